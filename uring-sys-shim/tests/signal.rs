//! SIGINT, which is the whole process's: each test in a child process, this binary again.
//!
//! # Safety
//! Handlers touch atomics only; what an SQE names outlives the ring.
#![allow(unsafe_code, reason = "sigaction(2) and pushing an SQE are unsafe")]

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{SIGINT, SaFlags, SigAction, SigHandler, SigSet, raise, sigaction};
use uring_sys_shim::sys::signal;
use uring_sys_shim::{KernelRing, Ring, Setup, Wait, sqe};

const ROLE: &str = "SHIM_TEST_ROLE";

fn in_child(test: &str, role: fn()) -> Option<ExitStatus> {
    if env::var_os(ROLE).is_some() {
        role();
        return None;
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", test, "--test-threads=1"]).env(ROLE, test);
    Some(child.status().unwrap())
}

static OTHERS: AtomicU32 = AtomicU32::new(0);

extern "C" fn other(_: libc::c_int) {
    OTHERS.fetch_add(1, Ordering::Relaxed);
}

fn install_other() {
    let action = SigAction::new(SigHandler::Handler(other), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler touches an atomic only.
    unsafe { sigaction(SIGINT, &action) }.unwrap();
}

#[test]
fn the_last_guard_restores_what_was_there() {
    let status = in_child("the_last_guard_restores_what_was_there", || {
        install_other();
        let (first, second) = (signal::install().unwrap(), signal::install().unwrap());
        assert_eq!(first.fd(), second.fd());
        raise(SIGINT).unwrap();
        drop(first);
        raise(SIGINT).unwrap();
        assert_eq!((signal::count(), OTHERS.load(Ordering::Relaxed)), (2, 0));
        drop(second);
        raise(SIGINT).unwrap();
        assert_eq!((signal::count(), OTHERS.load(Ordering::Relaxed)), (2, 1));
        assert!(!signal::is_default().unwrap());
    });
    assert!(status.is_none_or(|status| status.success()));
}

#[test]
fn a_handler_that_came_later_is_left_alone() {
    let status = in_child("a_handler_that_came_later_is_left_alone", || {
        assert!(signal::is_default().unwrap());
        let guard = signal::install().unwrap();
        assert!(!signal::is_default().unwrap());
        install_other();
        drop(guard);
        raise(SIGINT).unwrap();
        assert_eq!((signal::count(), OTHERS.load(Ordering::Relaxed)), (0, 1));
    });
    assert!(status.is_none_or(|status| status.success()));
}

#[test]
fn without_a_guard_it_ends_the_process_again() {
    let status = in_child("without_a_guard_it_ends_the_process_again", || {
        drop(signal::install().unwrap());
        raise(SIGINT).unwrap();
    });
    assert!(status.is_none_or(|status| status.signal() == Some(libc::SIGINT)));
}

#[test]
fn the_second_ends_the_process_if_told_so() {
    let status = in_child("the_second_ends_the_process_if_told_so", || {
        let mut guard = signal::install().unwrap();
        raise(SIGINT).unwrap();
        raise(SIGINT).unwrap();
        guard.end_on_second();
        guard.end_on_second();
        guard.reset();
        raise(SIGINT).unwrap();
        guard.reset();
        raise(SIGINT).unwrap();
        assert_eq!(signal::count(), 4, "none was a second one");
        raise(SIGINT).unwrap();
        unreachable!("the second ends the process");
    });
    assert!(status.is_none_or(|status| status.signal() == Some(libc::SIGINT)));
}

#[test]
fn a_dropped_guard_takes_its_wish_along() {
    let status = in_child("a_dropped_guard_takes_its_wish_along", || {
        let _stays = signal::install().unwrap();
        let mut goes = signal::install().unwrap();
        goes.end_on_second();
        drop(goes);
        for _ in 0..3 {
            raise(SIGINT).unwrap();
        }
    });
    assert!(status.is_none_or(|status| status.success()));
}

#[test]
fn each_ring_that_polls_is_told_each_time() {
    let status = in_child("each_ring_that_polls_is_told_each_time", || {
        let guard = signal::install().unwrap();
        let mut rings = [0, 1].map(|_| KernelRing::new(&Setup::with_entries(8)).unwrap());
        for ring in &mut rings {
            // SAFETY: it refers to no memory; the descriptor is never closed.
            unsafe { ring.push(&sqe::poll_multi(guard.fd(), libc::POLLIN as u32)) }.unwrap();
            ring.enter(Wait::Poll).unwrap();
        }
        for _ in 0..3 {
            raise(SIGINT).unwrap();
            for ring in &mut rings {
                let mut told = 0;
                while told == 0 {
                    ring.enter(Wait::Forever).unwrap();
                    told = ring.reap(&mut |cqe| assert!(cqe.more()));
                }
            }
        }
    });
    assert!(status.is_none_or(|status| status.success()));
}

#[test]
fn a_forked_childs_signal_is_not_the_parents() {
    let status = in_child("a_forked_childs_signal_is_not_the_parents", || {
        let guard = signal::install().unwrap();
        // SAFETY: the child only raises, counts, and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let raised = raise(SIGINT).is_ok() && signal::count() == 1;
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { libc::_exit(i32::from(!raised)) };
        }
        let mut status = 0;
        // SAFETY: waits for the child just made; the status is a local.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!((status, signal::count()), (0, 0));
        let mut raised = libc::pollfd { fd: guard.fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd, a local.
        let ready = unsafe { libc::poll(&mut raised, 1, 0) };
        assert_eq!(ready, 0, "the eventfd was not touched");
    });
    assert!(status.is_none_or(|status| status.success()));
}
