//! The kernel's ring, on real kernel objects.
//!
//! # Safety
//! What an SQE names outlives the ring, or the completion that the test awaits.
#![allow(unsafe_code, reason = "pushing an SQE is unsafe")]

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::{env, thread};

use uring_sys_shim::{Caps, Cqe, Full, GroupId, KernelRing, Ring, Setup, Sqe, Wait, sqe, support};

const GROUP: GroupId = GroupId(3);

fn ring() -> KernelRing {
    KernelRing::new(&Setup::with_entries(8)).expect("a ring")
}

fn push(ring: &mut KernelRing, sqe: Sqe) {
    // SAFETY: the tests keep buffers and descriptors until the ring is dropped or drained.
    unsafe { ring.push(&sqe) }.expect("room in the queue");
}

fn reap(ring: &mut KernelRing) -> Vec<Cqe> {
    let mut seen = Vec::new();
    ring.reap(&mut |cqe| seen.push(cqe));
    seen
}

/// Submits and gathers until `count` completions were seen.
fn complete(ring: &mut KernelRing, count: usize) -> Vec<Cqe> {
    let mut seen = reap(ring);
    while seen.len() < count {
        ring.enter(Wait::Forever).expect("enter");
        seen.extend(reap(ring));
    }
    seen
}

/// Buffers for a group, leaked: the kernel may have them until the ring is gone.
fn provide(ring: &mut KernelRing, count: u16, size: usize) -> Vec<*mut u8> {
    let mut buffers = Vec::new();
    for bid in 0..count {
        let buffer = Box::leak(vec![0_u8; size].into_boxed_slice());
        buffers.push(buffer.as_mut_ptr());
        // SAFETY: leaked, and nobody else writes to it.
        unsafe { ring.provide(GROUP, bid, buffer.as_mut_ptr(), size as u32) };
    }
    ring.publish(GROUP);
    buffers
}

fn bytes(buffer: *mut u8, len: usize) -> Vec<u8> {
    // SAFETY: a leaked buffer of at least `len` bytes that the kernel is done with.
    unsafe { std::slice::from_raw_parts(buffer, len) }.to_vec()
}

#[test]
fn submit_does_not_wait_and_the_queue_counts_what_is_unsubmitted() {
    let mut ring = ring();
    assert_eq!(ring.enter(Wait::Submit).unwrap(), 0);
    for n in 0..3 {
        push(&mut ring, sqe::nop().user_data(n));
    }
    assert_eq!(ring.unsubmitted(), 3);
    assert_eq!(ring.enter(Wait::Submit).unwrap(), 3);
    assert_eq!(ring.unsubmitted(), 0);
    assert!(ring.has_completions());
    let order: Vec<u64> = reap(&mut ring).iter().map(|cqe| cqe.user_data).collect();
    assert_eq!(order, [0, 1, 2]);
    assert!(!ring.has_completions());
}

#[test]
fn a_full_queue_refuses_and_loses_nothing() {
    let mut ring = ring();
    for n in 0..u64::from(ring.entries()) {
        push(&mut ring, sqe::nop().user_data(n));
    }
    // SAFETY: a no-op refers to nothing.
    assert_eq!(unsafe { ring.push(&sqe::nop().user_data(99)) }, Err(Full));
    ring.enter(Wait::Submit).unwrap();
    push(&mut ring, sqe::nop().user_data(99));
    let seen = complete(&mut ring, 9);
    assert_eq!(
        seen.iter().map(|cqe| cqe.user_data).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 6, 7, 99]
    );
}

#[test]
fn a_place_is_free_before_each_is_called() {
    let mut ring = KernelRing::new(&Setup { entries: 1, cq_entries: 1 }).unwrap();
    for n in 0..2 {
        push(&mut ring, sqe::nop().user_data(n));
        ring.enter(Wait::Submit).unwrap();
    }
    assert!(ring.flags().overflow, "the only place is taken");
    let (fd, get_events) = (ring.ring_fd(), 1);
    let first = ring.reap(&mut |cqe| {
        assert_eq!(cqe.user_data, 0);
        // SAFETY: no memory is passed; it makes the kernel put the other one into the free place.
        let entered =
            unsafe { libc::syscall(libc::SYS_io_uring_enter, fd, 0, 0, get_events, 0, 0) };
        assert_eq!(entered, 0);
    });
    assert_eq!(first, 1, "what came meanwhile is for the next call");
    assert!(ring.has_completions() && !ring.flags().overflow);
    assert_eq!(reap(&mut ring)[0].user_data, 1);
}

#[test]
fn a_pair_of_sockets_sends_and_receives() {
    let mut ring = ring();
    let (near, far) = UnixStream::pair().unwrap();
    let mut buffer = [0_u8; 16];
    push(&mut ring, sqe::recv(near.as_raw_fd(), buffer.as_mut_ptr(), 16, 0).user_data(1));
    push(&mut ring, sqe::send(far.as_raw_fd(), b"hello".as_ptr(), 5, 0).user_data(2));
    let mut seen = complete(&mut ring, 2);
    seen.sort_by_key(|cqe| cqe.user_data);
    assert_eq!(seen.iter().map(|cqe| cqe.res).collect::<Vec<_>>(), [5, 5]);
    assert_eq!(&buffer[..5], b"hello");
}

#[test]
fn skip_success_is_silent_and_links_run_in_order() {
    let mut ring = ring();
    let (near, mut far) = UnixStream::pair().unwrap();
    push(&mut ring, sqe::send(near.as_raw_fd(), b"a".as_ptr(), 1, 0).skip_success().link());
    push(&mut ring, sqe::send(near.as_raw_fd(), b"b".as_ptr(), 1, 0).user_data(2));
    let seen = complete(&mut ring, 1);
    assert_eq!((seen.len(), seen[0].user_data, seen[0].res), (1, 2, 1));
    let mut got = [0; 2];
    far.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"ab");
}

#[test]
fn a_cancel_ends_its_target_and_no_other() {
    let mut ring = ring();
    let (near, _far) = UnixStream::pair().unwrap();
    for n in 0..3 {
        push(&mut ring, sqe::poll(near.as_raw_fd(), libc::POLLIN as u32).user_data(n));
    }
    ring.enter(Wait::Poll).unwrap();
    push(&mut ring, sqe::cancel(1).skip_success().user_data(9));
    let seen = complete(&mut ring, 1);
    assert_eq!((seen.len(), seen[0].user_data, seen[0].res), (1, 1, -libc::ECANCELED));
    push(&mut ring, sqe::cancel(1).skip_success().user_data(9));
    let seen = complete(&mut ring, 1);
    assert_eq!((seen[0].user_data, seen[0].res), (9, -libc::ENOENT));
    push(&mut ring, sqe::cancel_all().user_data(9));
    let mut seen = complete(&mut ring, 3);
    seen.sort_by_key(|cqe| cqe.user_data);
    assert_eq!(
        seen.iter().map(|cqe| (cqe.user_data, cqe.res)).collect::<Vec<_>>(),
        [(0, -libc::ECANCELED), (2, -libc::ECANCELED), (9, 2)]
    );
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let mut ring = ring();
    let deadline = ring.now() + 3_000_000;
    assert_eq!(ring.enter(Wait::Until(deadline)).unwrap(), 0);
    assert!(ring.now() >= deadline);
    for past in [0, 1, deadline] {
        assert_eq!(ring.enter(Wait::Until(past)).unwrap(), 0);
    }
    push(&mut ring, sqe::nop());
    assert_eq!(ring.enter(Wait::Until(0)).unwrap(), 1, "a past deadline submits all the same");
    assert_eq!(reap(&mut ring).len(), 1);
}

#[test]
fn a_multi_poll_on_an_eventfd_that_is_never_read_wakes_each_time() {
    let mut ring = ring();
    let event = nix::sys::eventfd::EventFd::new().unwrap();
    push(&mut ring, sqe::poll_multi(event.as_raw_fd(), libc::POLLIN as u32).user_data(5));
    ring.enter(Wait::Poll).unwrap();
    for _ in 0..3 {
        thread::scope(|scope| {
            scope.spawn(|| event.write(1).unwrap());
        });
        let seen = complete(&mut ring, 1);
        assert!(seen.iter().all(|cqe| cqe.user_data == 5 && cqe.more()), "{seen:?}");
    }
}

#[test]
fn a_message_reaches_another_ring() {
    let (mut from, mut to) = (ring(), ring());
    push(&mut from, sqe::msg_ring(to.ring_fd(), 0xfeed_0000_0001, 42).skip_success());
    from.enter(Wait::Poll).unwrap();
    let seen = complete(&mut to, 1);
    assert_eq!((seen[0].user_data, seen[0].res), (0xfeed_0000_0001, 42));
    assert!(!from.has_completions());
}

#[test]
fn a_multi_receive_ends_at_its_total() {
    let mut ring = ring();
    if !ring.caps().contains(Caps::RECV_CAPS) {
        println!("skipped: needs Linux 6.17");
        return;
    }
    let (near, mut far) = UnixStream::pair().unwrap();
    ring.register_group(GROUP, 8, false).unwrap();
    let buffers = provide(&mut ring, 8, 64);
    let sent: Vec<u8> = (0..60).collect();
    far.write_all(&sent).unwrap();
    push(&mut ring, sqe::recv_multi(near.as_raw_fd(), GROUP, 0, 10, 35).user_data(1));
    let seen = complete(&mut ring, 4);
    let shape: Vec<_> = seen.iter().map(|cqe| (cqe.res, cqe.more())).collect();
    assert_eq!(shape, [(10, true), (10, true), (10, true), (10, false)]);
    let mut got = Vec::new();
    for cqe in &seen {
        got.extend(bytes(buffers[usize::from(cqe.buffer().unwrap())], 10));
    }
    assert_eq!(got, sent[..40]);
    let mut rest = [0; 20];
    (&near).read_exact(&mut rest).unwrap();
    assert_eq!(rest, sent[40..]);
}

#[test]
fn a_group_without_buffers_says_so_and_a_published_one_serves() {
    let mut ring = ring();
    let (near, mut far) = UnixStream::pair().unwrap();
    ring.register_group(GROUP, 4, false).unwrap();
    assert_eq!(
        ring.register_group(GROUP, 4, false).unwrap_err().raw_os_error(),
        Some(libc::EEXIST)
    );
    far.write_all(&[1; 100]).unwrap();
    push(&mut ring, sqe::recv_group(near.as_raw_fd(), GROUP, 0, 0));
    assert_eq!(complete(&mut ring, 1)[0].res, -libc::ENOBUFS);

    provide(&mut ring, 4, 32);
    for (len, res) in [(0, 32), (7, 7)] {
        push(&mut ring, sqe::recv_group(near.as_raw_fd(), GROUP, len, 0));
        let cqe = complete(&mut ring, 1)[0];
        assert_eq!((cqe.res, cqe.buffer_more()), (res, false));
    }
    ring.unregister_group(GROUP).unwrap();
    assert_eq!(ring.unregister_group(GROUP).unwrap_err().raw_os_error(), Some(libc::EINVAL));
    push(&mut ring, sqe::recv_group(near.as_raw_fd(), GROUP, 0, 0));
    assert_eq!(complete(&mut ring, 1)[0].res, -libc::ENOBUFS);
    ring.register_group(GROUP, 4, false).expect("the number is free again");
}

#[test]
fn buffers_can_go_round_a_group_more_often_than_the_tail_counts() {
    let mut ring = ring();
    let (near, mut far) = UnixStream::pair().unwrap();
    ring.register_group(GROUP, 2, false).unwrap();
    let buffers = provide(&mut ring, 2, 8);
    for round in 0..70_000_u32 {
        far.write_all(&round.to_ne_bytes()).unwrap();
        push(&mut ring, sqe::recv_group(near.as_raw_fd(), GROUP, 0, 0));
        let cqe = complete(&mut ring, 1)[0];
        assert_eq!(cqe.res, 4, "round {round}");
        let bid = cqe.buffer().unwrap();
        let buffer = buffers[usize::from(bid)];
        assert_eq!(bytes(buffer, 4), round.to_ne_bytes());
        // SAFETY: leaked, and the kernel has just handed it out.
        unsafe { ring.provide(GROUP, bid, buffer, 8) };
        ring.publish(GROUP);
    }
}

#[test]
fn an_incremental_group_hands_a_buffer_out_in_pieces() {
    let mut ring = ring();
    if !ring.caps().contains(Caps::INCREMENTAL) {
        println!("skipped: needs Linux 6.12");
        return;
    }
    let (near, mut far) = UnixStream::pair().unwrap();
    ring.register_group(GROUP, 1, true).unwrap();
    let buffers = provide(&mut ring, 1, 8);
    push(&mut ring, sqe::recv_multi(near.as_raw_fd(), GROUP, 0, 0, 0));
    for (piece, rest) in [(&b"abc"[..], true), (b"defgh", false)] {
        far.write_all(piece).unwrap();
        let cqe = complete(&mut ring, 1)[0];
        assert_eq!((cqe.res as usize, cqe.buffer()), (piece.len(), Some(0)));
        assert_eq!(cqe.buffer_more(), rest);
    }
    assert_eq!(bytes(buffers[0], 8), b"abcdefgh");
}

#[test]
fn an_overflowed_queue_raises_its_flag_and_loses_nothing() {
    let mut ring = KernelRing::new(&Setup { entries: 4, cq_entries: 4 }).unwrap();
    let room = ring.cq_entries() as usize;
    let mut pushed = 0;
    for _ in 0..3 {
        for _ in 0..room {
            push(&mut ring, sqe::nop().user_data(pushed));
            pushed += 1;
        }
        ring.enter(Wait::Submit).unwrap();
    }
    assert!(ring.flags().overflow);
    let mut seen = Vec::new();
    while ring.flags().overflow || ring.has_completions() {
        seen.extend(reap(&mut ring).iter().map(|cqe| cqe.user_data));
        ring.enter(Wait::Poll).unwrap();
    }
    assert_eq!(seen, (0..pushed).collect::<Vec<_>>());
}

#[test]
fn the_flag_tells_of_task_work_before_it_has_run() {
    let mut ring = ring();
    let (near, mut far) = UnixStream::pair().unwrap();
    push(&mut ring, sqe::poll(near.as_raw_fd(), libc::POLLIN as u32));
    ring.enter(Wait::Submit).unwrap();
    assert!(!ring.flags().taskrun);
    far.write_all(b"x").unwrap();
    assert!(ring.flags().taskrun && !ring.has_completions());
    ring.enter(Wait::Poll).unwrap();
    assert!(!ring.flags().taskrun && ring.has_completions());
}

#[test]
fn a_signal_ends_a_wait_without_an_error() {
    extern "C" fn nothing(_: libc::c_int) {}
    let action = nix::sys::signal::SigAction::new(
        nix::sys::signal::SigHandler::Handler(nothing),
        nix::sys::signal::SaFlags::SA_RESTART,
        nix::sys::signal::SigSet::empty(),
    );
    // SAFETY: the handler does nothing, and no other test uses this signal.
    unsafe { nix::sys::signal::sigaction(nix::sys::signal::SIGUSR2, &action) }.unwrap();
    let mut ring = ring();
    // SAFETY: it only asks.
    let waiter = unsafe { libc::pthread_self() };
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        // Again and again, because one could come before the wait has begun.
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                // SAFETY: the thread lives at least as long as the scope.
                assert_eq!(unsafe { libc::pthread_kill(waiter, libc::SIGUSR2) }, 0);
                thread::yield_now();
            }
        });
        assert_eq!(ring.enter(Wait::Forever).unwrap(), 0);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_forked_child_cannot_use_the_ring_and_does_not_harm_it() {
    let mut ring = ring();
    let (near, mut far) = UnixStream::pair().unwrap();
    ring.register_group(GROUP, 2, false).unwrap();
    provide(&mut ring, 2, 8);
    push(&mut ring, sqe::recv_group(near.as_raw_fd(), GROUP, 0, 0).user_data(1));
    ring.enter(Wait::Poll).unwrap();
    push(&mut ring, sqe::nop().user_data(2));
    // SAFETY: the child calls nothing that allocates or locks before it exits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: a no-op refers to nothing.
        let refused = unsafe { ring.push(&sqe::nop()) } == Err(Full);
        let silent = !ring.has_completions() && ring.reap(&mut |_| ()) == 0;
        // SAFETY: refused before the address is looked at.
        unsafe { ring.provide(GROUP, 0, std::ptr::null_mut(), 1) };
        ring.publish(GROUP);
        let dead = refused && silent && ring.unsubmitted() == 0 && !ring.flags().overflow;
        drop(ring);
        // SAFETY: ends the child without running the parent's exit handlers.
        unsafe { libc::_exit(i32::from(!dead)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child just made; the status is a local.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    far.write_all(b"abc").unwrap();
    let mut seen = complete(&mut ring, 2);
    seen.sort_by_key(|cqe| cqe.user_data);
    assert_eq!(seen.iter().map(|cqe| cqe.res).collect::<Vec<_>>(), [3, 0]);
}

#[test]
fn the_environment_limits_what_is_used() {
    const ROLE: &str = "SHIM_TEST_CAPS";
    if env::var_os(ROLE).is_some() {
        match KernelRing::new(&Setup::default()) {
            Ok(ring) => println!("caps {}", ring.caps().bits()),
            Err(error) => println!("error {:?} {error}", error.kind()),
        }
        return;
    }
    let run = |value: &str| {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_environment_limits_what_is_used", "--nocapture"])
            .env(ROLE, "1")
            .env(Caps::VARIABLE, value)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let all = support().found().expect("rings can be made");
    for tier in Caps::TIERS {
        let expected = format!("caps {}\n", (all & Caps::tier(tier).unwrap()).bits());
        let printed = run(tier);
        assert!(printed.contains(&expected), "{tier}: {printed}");
    }
    let printed = run("6.5");
    assert!(printed.contains("error InvalidInput"), "{printed}");
    assert!(Caps::TIERS.iter().all(|tier| printed.contains(tier)), "{printed}");
}
