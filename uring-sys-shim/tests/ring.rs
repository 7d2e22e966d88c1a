//! The kernel's ring, on real kernel objects: what a simulated one has no part in. The facts that
//! both share are in `conformance.rs`.
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
