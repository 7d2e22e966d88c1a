//! `unsafe` stands in few files, each says what it relies on, and every use is argued.

use super::token::tokens;
use super::tree::Finding;

/// The files that may contain `unsafe`. One that is listed and has none is reported; one that does
/// not exist is not, so that a file may be split or moved in two steps.
pub(crate) const ALLOWED: &[&str] = &[
    // The kernel's interface: queues and buffer rings shared with it, and raw system calls.
    "uring-sys-shim/src/buf_ring.rs",
    "uring-sys-shim/src/kernel.rs",
    "uring-sys-shim/src/owner.rs",
    "uring-sys-shim/src/probe.rs",
    "uring-sys-shim/src/register.rs",
    "uring-sys-shim/src/ring.rs",
    // A ring that passes its caller's word on, and the simulated kernel, which reads and writes
    // what SQEs name.
    "uring-sys-shim/src/active.rs",
    "uring-sys-shim/src/sim/memory.rs",
    "uring-sys-shim/src/sim/ring.rs",
    "uring-sys-shim/src/sys/address.rs",
    "uring-sys-shim/src/sys/descriptor.rs",
    "uring-sys-shim/src/sys/signal.rs",
    "uring-sys-shim/src/sys/socket.rs",
    "uring-sys-shim/src/sys/splice.rs",
    "uring-sys-shim/src/wait.rs",
    // The buffer traits promise memory to the kernel.
    "src/buf/slice.rs",
    "src/buf/traits.rs",
    // Memory goes to the kernel here and nowhere else; the pool's comes back as chunks.
    "src/driver/chunk.rs",
    "src/driver/current.rs",
    "src/driver/descriptor.rs",
    "src/driver/pool.rs",
    "src/driver/submit.rs",
    // What is handed over as a pointer.
    "src/util/heap.rs",
    // An instruction that asks for memory.
    "src/util/prefetch/x86_64.rs",
    // One block per task, which wakers on any thread point into.
    "src/executor/blocks.rs",
    "src/executor/parts.rs",
    "src/executor/cell.rs",
    "src/executor/children.rs",
    "src/executor/current.rs",
    "src/executor/executor.rs",
    "src/executor/family.rs",
    "src/executor/header.rs",
    "src/executor/join.rs",
    "src/executor/outcome.rs",
    "src/executor/owner.rs",
    "src/executor/remote.rs",
    "src/executor/roster.rs",
    "src/executor/run_queue.rs",
    "src/executor/shared.rs",
    "src/executor/task.rs",
    "src/executor/turn.rs",
    "src/executor/waker.rs",
    // An operation argues in its own file why the memory that its SQE names outlives it.
    "src/op/accept.rs",
    "src/op/connect.rs",
    "src/op/listen.rs",
    "src/op/nop.rs",
    "src/op/poll.rs",
    "src/op/recv.rs",
    "src/op/send.rs",
    "src/op/setsockopt.rs",
    "src/op/shutdown.rs",
    "src/op/socket.rs",
    "src/op/submit.rs",
    // A transport sends from and receives into a caller's buffer, and keeps it for the kernel.
    "src/transport/listener.rs",
    "src/transport/own_read.rs",
    "src/transport/read_future.rs",
    "src/transport/write_future.rs",
    "src/transport/writer.rs",
    // A list through futures that are pinned; all of `sync` and the queues stand on it.
    "src/sync/wait_queue.rs",
    // The main future borrows from its caller.
    "src/runner/run.rs",
    // Tests and benches, each by name: contracts under test, and SQEs that are pushed by hand.
    "benches/rows/allocator.rs",
    "benches/rows/load/exchange.rs",
    "benches/rows/micro/raw.rs",
    "benches/rows/serve/on_raw.rs",
    "tests/regression.rs",
    "tests/sim/allocator.rs",
    "src/executor/tests/cancel.rs",
    "src/executor/tests/reentrancy.rs",
    "src/sync/tests/support.rs",
    "uring-sys-shim/tests/conformance/bench.rs",
    "uring-sys-shim/tests/conformance/memory.rs",
    "uring-sys-shim/tests/layout.rs",
    "uring-sys-shim/tests/ring.rs",
    "uring-sys-shim/tests/signal.rs",
    "tests/bounded/measure.rs",
    "tests/waiting/allocator.rs",
    "tests/drop_inflight.rs",
    "tests/end/allocator.rs",
    "tests/end/forked.rs",
    "tests/memory/allocator.rs",
    "tests/memory/mapping.rs",
    "tests/memory/proof.rs",
    "tests/memory/quarantine.rs",
    "tests/nothing_lost/letters.rs",
    "tests/regression.rs",
    "tests/sim/allocator.rs",
    "tests/sigpipe.rs",
    "tests/bulk/refused.rs",
    "tests/models/heap.rs",
    "tests/models/ledger.rs",
    "tests/models/sync.rs",
];

/// How many lines above its `unsafe` a `SAFETY:` comment may begin.
const REACH: usize = 8;

/// `unsafe` in a file that is not allowed any, or in one that does not introduce it.
pub(crate) fn check_place(path: &str, text: &str, allowed: &[&str]) -> Vec<Finding> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let first = tokens(text).iter().find(|token| token.text == "unsafe").map(|token| token.line);
    let message = match (first, allowed.contains(&path)) {
        (Some(_), false) => "`unsafe` must not stand here; see ALLOWED",
        (None, true) => "contains no `unsafe`: take it off ALLOWED",
        (Some(_), true) if !introduces(text) => "`//! # Safety` must say what this file relies on",
        _ => return Vec::new(),
    };
    vec![Finding::new(path, first.unwrap_or(1), message)]
}

/// Whether the module docs have a section `# Safety` with words in it.
fn introduces(text: &str) -> bool {
    let docs = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let mut section = docs.skip_while(|line| *line != "# Safety").skip(1);
    section.by_ref().any(|line| !line.is_empty())
}

/// `unsafe {` and `unsafe impl` with no `SAFETY:` comment above.
pub(crate) fn check_comments(path: &str, text: &str) -> Vec<Finding> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let argued = |line: usize| {
        let from = line.saturating_sub(REACH + 1);
        lines[from..line].iter().any(|line| line.contains("SAFETY:"))
    };
    let message = format!("no `SAFETY:` comment within the {REACH} lines above");
    tokens(text)
        .windows(2)
        .filter(|pair| pair[0].text == "unsafe" && matches!(pair[1].text, "{" | "impl"))
        .filter(|pair| !argued(pair[0].line))
        .map(|pair| Finding::new(path, pair[0].line, message.as_str()))
        .collect()
}

#[test]
fn unsafe_out_of_place_is_caught() {
    let place = |text: &str, allowed| check_place("src/a.rs", text, allowed).len();
    assert_eq!(place("fn f() { unsafe { g() } }", &[]), 1);
    assert_eq!(place("macro_rules! m { () => { unsafe fn f() {} } }", &[]), 1);
    assert_eq!(place("//! unsafe\n#![allow(unsafe_code)] const A: &str = \"unsafe {\";", &[]), 0);
    assert_eq!(place("//! # Safety\n//! Why.\nunsafe fn f() {}", &["src/a.rs"]), 0);
    assert_eq!(place("//! # Safety\n//!\nunsafe fn f() {}", &["src/a.rs"]), 1);
    assert_eq!(place("/// # Safety\n/// Why.\nunsafe fn f() {}", &["src/a.rs"]), 1);
    assert_eq!(place("//! # Safety\n//! Why.\nfn f() {}", &["src/a.rs"]), 1);
}

#[test]
fn unsafe_without_an_argument_is_caught() {
    let caught = |text: &str| check_comments("src/a.rs", text).len();
    assert_eq!(caught("fn f() {\n    unsafe { g() }\n}\nunsafe impl Send for A {}"), 2);
    assert_eq!(caught("// SAFETY: g has no contract.\nlet a = unsafe { g() };"), 0);
    assert_eq!(caught(&format!("// SAFETY: far.\n{}unsafe {{ g() }}", "\n".repeat(REACH))), 1);
    assert_eq!(caught("unsafe trait A { unsafe fn f(); }"), 0);
}
