//! Imports point down: no file names a floor above its own, nor a stranger beside it.

use super::token::{Token, past_bracket, tokens};
use super::tree::Finding;

/// The floors, lowest first, and what stands on each: the folders and files of `src/`.
const FLOORS: &[(u8, &[&str])] = &[
    (1, &["util", "buf"]),
    (2, &["driver", "executor", "time", "sync"]),
    (3, &["runtime", "op", "task", "blocking"]),
    (4, &["transport"]),
    (5, &["net", "fs", "process", "queue", "pipe", "signal", "stdio"]),
    (6, &["stream", "protocol", "subprocess"]),
    (7, &["event_loop"]),
    (8, &["runner", "cores"]),
    (9, &["introspect", "debug", "testing", "tls", "compat", "chapters"]),
];

/// Who may know whom on its own floor: (importer, imported).
const ACQUAINTED: &[(&str, &[&str])] = &[
    ("buf", &["util"]),
    ("runtime", &["op", "task", "blocking"]),
    ("op", &["runtime", "task", "blocking"]),
    ("task", &["runtime", "op", "blocking"]),
    ("blocking", &["runtime", "op", "task"]),
    ("process", &["pipe", "signal"]),
    ("cores", &["runner"]),
];

/// Tables of contents that show users what stands on a floor above: (file, part, why). They only
/// pass a name on; no other file of their folder may know it.
const EXPORTS: &[(&str, &str, &str)] =
    &[("src/buf/mod.rs", "driver", "users find `Chunk` beside the traits that it implements")];

/// The only parts of `src/` that may name the shim crate.
const SHIM_USERS: &[&str] =
    &["driver", "time", "op", "runtime", "transport", "net", "signal", "runner", "testing"];

const SHIM: &str = "uring_sys_shim";

/// Names that must not appear in a folder, however they get there.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("driver", &["executor", "RunQueue", "JoinError"]),
    ("executor", &["driver", "Ring", "KernelRing", "io_uring"]),
];

/// The folder or file of `src/` that a path belongs to; `None` outside `src/` and for `lib.rs`.
fn part(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    (inside != "lib").then(|| inside.split('/').next().unwrap_or(inside))
}

fn floor(part: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, parts)| parts.contains(&part)).map(|(floor, _)| *floor)
}

fn listed(table: &[(&str, &[&str])], key: &str, value: &str) -> bool {
    table.iter().any(|(name, values)| *name == key && values.contains(&value))
}

/// Every path that starts at the crate's root must lead to the same part or down.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let Some(from) = part(path) else {
        return Vec::new();
    };
    let Some(own) = floor(from) else {
        return vec![Finding::new(path, 1, format!("`{from}` stands on no floor of FLOORS"))];
    };
    let judge = |import: Import<'_>| {
        let to = import.name;
        let message = match floor(to) {
            _ if to == from => return None,
            None if import.is_exported => return None,
            None => format!("`crate::{to}` is no part of FLOORS; import from the folder it is in"),
            Some(_) if EXPORTS.iter().any(|(file, part, _)| (*file, *part) == (path, to)) => {
                return None;
            }
            Some(other) if other > own => {
                format!("`{from}` (floor {own}) imports `{to}` from above (floor {other})")
            }
            Some(other) if other == own && !listed(ACQUAINTED, from, to) => {
                format!("`{from}` and `{to}` are strangers on floor {own}")
            }
            Some(_) => return None,
        };
        Some(Finding::new(path, import.line, message))
    };
    imports(path, &tokens(text)).into_iter().filter_map(judge).collect()
}

/// The shim, and the words of [`FORBIDDEN`], stay where they belong.
pub(crate) fn check_names(path: &str, text: &str) -> Vec<Finding> {
    let Some(from) = part(path) else {
        return Vec::new();
    };
    let judge = |token: &Token<'_>| {
        let alien = token.text == SHIM && !SHIM_USERS.contains(&from);
        let message = format!("`{}` must not be named in `{from}`", token.text);
        (alien || listed(FORBIDDEN, from, token.text))
            .then(|| Finding::new(path, token.line, message))
    };
    tokens(text).iter().filter_map(judge).collect()
}

/// The first name of a path that starts at the crate's root.
#[derive(Clone, Copy)]
struct Import<'a> {
    name: &'a str,
    line: usize,
    /// It was written `$crate`, or names a macro: both go by what `lib.rs` exports.
    is_exported: bool,
}

/// Finds `crate::…`, and `super::…` chains that climb to the root.
fn imports<'a>(path: &str, tokens: &[Token<'a>]) -> Vec<Import<'a>> {
    let mut found = Vec::new();
    let mut modules = Modules::of_file(path);
    let mut at = 0;
    while at < tokens.len() {
        modules.see(tokens, at);
        let start = at;
        at += 1;
        let climbs = match tokens[start].text {
            "crate" => true,
            "super" if !follows_path(tokens, start) => {
                let mut steps = 1;
                while text(tokens, at) == "::" && text(tokens, at + 1) == "super" {
                    (at, steps) = (at + 2, steps + 1);
                }
                steps == modules.depth()
            }
            _ => false,
        };
        let is_visibility =
            start > 1 && tokens[start - 1].text == "in" && tokens[start - 2].text == "(";
        if climbs && !is_visibility && text(tokens, at) == "::" {
            let is_exported =
                start > 0 && tokens[start - 1].text == "$" || text(tokens, at + 2) == "!";
            let import = |name: Token<'a>| Import { name: name.text, line: name.line, is_exported };
            found.extend(first_names(tokens, at + 1).into_iter().map(import));
        }
    }
    found
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// Whether `super` continues a path, other than one that began with `self`.
fn follows_path(tokens: &[Token<'_>], at: usize) -> bool {
    at > 1 && tokens[at - 1].text == "::" && tokens[at - 2].text != "self"
}

/// The name at `at`, or the first name of each member of the group that opens there.
fn first_names<'a>(tokens: &[Token<'a>], at: usize) -> Vec<Token<'a>> {
    if text(tokens, at) != "{" {
        return tokens.get(at).copied().into_iter().collect();
    }
    let mut names = Vec::new();
    let (mut depth, mut fresh) = (0, true);
    for token in &tokens[at + 1..past_bracket(tokens, at)] {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => fresh = true,
            _ if fresh => {
                fresh = false;
                names.push(*token);
            }
            _ => {}
        }
    }
    names
}

/// How deep in the module tree a token stands.
struct Modules {
    of_file: usize,
    braces: usize,
    /// For each inline module that is open, the depth of its brace.
    inline: Vec<usize>,
}

impl Modules {
    fn of_file(path: &str) -> Self {
        let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
        let of_file = inside.trim_end_matches("/mod").split('/').count();
        Modules { of_file, braces: 0, inline: Vec::new() }
    }

    fn depth(&self) -> usize {
        self.of_file + self.inline.len()
    }

    fn see(&mut self, tokens: &[Token<'_>], at: usize) {
        match tokens[at].text {
            "{" => {
                self.braces += 1;
                if at > 1 && tokens[at - 2].text == "mod" {
                    self.inline.push(self.braces);
                }
            }
            "}" => {
                self.inline.pop_if(|brace| *brace == self.braces);
                self.braces = self.braces.saturating_sub(1);
            }
            _ => {}
        }
    }
}

#[test]
fn imports_that_go_up_or_sideways_are_caught() {
    let caught = |path: &str, source: &str| {
        let found: Vec<usize> = check(path, source).iter().map(|finding| finding.line).collect();
        assert!(check_names(path, source).is_empty(), "{path}: {source}");
        found
    };
    assert_eq!(
        caught("src/time/sleep.rs", "use crate::util::Key;\nuse crate::runtime::Turn;"),
        [2]
    );
    assert_eq!(caught("src/net/tcp.rs", "use crate::{\nbuf::{self, fs},\nrunner::Runner};"), [3]);
    assert_eq!(caught("src/time/mod.rs", "fn f() { crate::sync::Event::new(); }"), [1]);
    assert_eq!(caught("src/time/mod.rs", "#[cfg(test)] mod t { use crate::net; }"), [1]);
    assert_eq!(caught("src/time/sleep.rs", "use super::super::driver::Driver;"), [1]);
    assert_eq!(caught("src/time/sleep.rs", "mod t {} mod u { use super::super::super::op; }"), [1]);
    assert_eq!(caught("src/net/tcp.rs", "use crate::Chunk;"), [1]);
    assert_eq!(caught("src/nowhere/tcp.rs", ""), [1]);
    assert_eq!(caught("src/buf/traits.rs", "use crate::driver::Chunk;"), [1]);
}

#[test]
fn imports_that_go_down_pass() {
    let source = "use crate::{buf::Chunk, driver, transport::stream::Stream};
        use super::super::op; use super::listener; // crate::runner
        pub(in crate::net) fn f() { $crate::spawn(\"crate::runner\"); crate::select!(); }";
    assert_eq!(check("src/net/tcp.rs", source), []);
    assert_eq!(check("src/process/child.rs", "use crate::{pipe, signal};"), []);
    assert_eq!(check("src/lib.rs", "pub use crate::net::TcpStream;"), []);
    assert_eq!(check("src/buf/mod.rs", "pub use crate::driver::Chunk;"), []);
}

#[test]
fn names_out_of_place_are_caught() {
    assert_eq!(check_names("src/executor/task.rs", "use uring_sys_shim::Caps;").len(), 1);
    assert_eq!(check_names("src/executor/task.rs", "fn f<R: Ring>() {}").len(), 1);
    assert_eq!(check_names("src/driver/mod.rs", "use uring_sys_shim::Ring; // executor").len(), 0);
}
