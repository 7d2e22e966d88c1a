//! `RemoteHandle` and `RemoteJoin`: the outcome of a task against whoever waits for it.

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake};

use loom::sync::Notify;
use loom::thread;

use crate::ledger::checked;
use crate::remote_handle::RemoteHandle;
use crate::remote_join::{RemoteError, RemoteJoin};
use crate::rig::{Loop, explore};

/// Runs a loop while another thread does `foreign`, and until that has called back.
fn beside_a_loop(foreign: fn(&RemoteHandle)) {
    let looped = Loop::new();
    let handle = RemoteHandle::new(looped.executor.remote());
    // Set and read by the loop's thread.
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let thread = thread::spawn(move || {
        foreign(&handle);
        handle.call(move || over.store(true, Relaxed)).unwrap();
    });
    looped.run(|| is_over.load(Relaxed));
    thread.join().unwrap();
    assert_eq!(Arc::strong_count(&looped.end()), 1);
}

/// Runs a few turns of a loop, if that many, and ends it while another thread does `foreign`.
fn beside_a_loop_that_ends(foreign: fn(&RemoteHandle)) {
    let looped = Loop::new();
    let handle = RemoteHandle::new(looped.executor.remote());
    let thread = thread::spawn(move || foreign(&handle));
    looped.executor.run_rounds(256, |_| false);
    looped.executor.run_rounds(256, |_| false);
    let bell = looped.end();
    thread.join().unwrap();
    assert_eq!(Arc::strong_count(&bell), 1);
}

struct Waiter(Notify);

impl Wake for Waiter {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Awaits an outcome as a foreign executor does.
fn block_on<T>(mut join: RemoteJoin<T>) -> Result<T, RemoteError> {
    let waiter = Arc::new(Waiter(Notify::new()));
    let waker = waiter.clone().into();
    loop {
        if let Poll::Ready(outcome) = Pin::new(&mut join).poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
        waiter.0.wait();
    }
}

#[test]
fn a_thread_that_blocks_gets_the_outcome() {
    explore("remote, a thread that blocks", 3, || {
        beside_a_loop(|handle| {
            assert_eq!(handle.spawn(|| async { 7 }).wait(None).unwrap(), 7);
        });
    });
}

#[test]
fn a_future_elsewhere_gets_the_outcome() {
    explore("remote, a future elsewhere", 3, || {
        beside_a_loop(|handle| assert_eq!(block_on(handle.spawn(|| async { 7 })).unwrap(), 7));
    });
}

#[test]
fn a_cancellation_arrives_before_during_and_after_the_start() {
    explore("remote, cancelled", 3, || {
        beside_a_loop(|handle| {
            let mut join = handle.spawn(pending::<()>);
            join.cancel();
            assert!(matches!(join.wait(None), Err(RemoteError::Cancelled)));
        });
    });
}

#[test]
fn an_outcome_that_nobody_wants_is_dropped() {
    explore("remote, nobody waits", 3, || {
        beside_a_loop(|handle| drop(handle.spawn(|| async { Box::new(7) })));
    });
}

/// What the reporter is told of a task that fails, if it gets so far, while another thread does
/// `foreign` with its outcome; and whether it got so far.
fn told_of_a_failure(foreign: fn(RemoteJoin<Result<(), &'static str>>)) -> (usize, bool) {
    let looped = Loop::new();
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    looped.executor.set_report(Rc::new(move |_| count.set(count.get() + 1)));
    let handle = RemoteHandle::new(looped.executor.remote());
    let (is_over, has_failed) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (over, failed) = (is_over.clone(), has_failed.clone());
    let thread = thread::spawn(move || {
        foreign(handle.spawn(move || async move {
            failed.store(true, Relaxed);
            Err("as the model wants")
        }));
        handle.call(move || over.store(true, Relaxed)).unwrap();
    });
    looped.run(|| is_over.load(Relaxed));
    thread.join().unwrap();
    drop(looped.end());
    (told.get(), has_failed.load(Relaxed))
}

#[test]
fn a_failure_that_nobody_looks_at_is_told_once() {
    explore("remote, a failure that nobody looks at", 3, || {
        let (told, has_failed) = told_of_a_failure(drop);
        checked(|| assert_eq!(told, usize::from(has_failed)));
    });
}

#[test]
fn a_failure_that_was_looked_at_is_not_told() {
    explore("remote, a failure that was looked at", 2, || {
        let (told, _) = told_of_a_failure(|mut join| assert!(join.wait(None).unwrap().is_err()));
        checked(|| assert_eq!(told, 0));
    });
}

#[test]
fn a_thread_that_blocks_is_told_of_the_loop_s_end() {
    explore("remote, a thread that blocks and a loop that ends", 3, || {
        beside_a_loop_that_ends(|handle| {
            let outcome = handle.spawn(|| async { 7 }).wait(None);
            assert!(matches!(outcome, Ok(7) | Err(RemoteError::LoopClosed)), "{outcome:?}");
        });
    });
}

#[test]
fn a_future_elsewhere_is_told_of_the_loop_s_end() {
    explore("remote, a future elsewhere and a loop that ends", 3, || {
        beside_a_loop_that_ends(|handle| {
            let outcome = block_on(handle.spawn(pending::<()>));
            assert!(matches!(outcome, Err(RemoteError::LoopClosed)), "{outcome:?}");
        });
    });
}
