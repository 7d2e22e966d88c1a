//! Wakers on other threads, against a task that is polled, ends, is cancelled, or whose loop is
//! gone. The ledger sees whether blocks are freed once, and not used after that.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::{self, JoinHandle};

use crate::executor::JoinHandle as Task;
use crate::rig::{Loop, explore};

/// A task that sleeps until its counters say enough, and its waker.
///
/// The counters are relaxed: only a wake's own ordering shows them to the poll that follows.
fn sleeper<const N: usize>(looped: &Loop, until: usize) -> (Task<()>, Waker, [Counter; N]) {
    let counters: [Counter; N] = std::array::from_fn(|_| Counter::default());
    let theirs = counters.clone();
    let waker = Arc::new(std::sync::Mutex::new(None));
    let lent = waker.clone();
    let task = looped.spawn(poll_fn(move |cx| {
        lent.lock().unwrap().get_or_insert_with(|| cx.waker().clone());
        let sum: usize = theirs.iter().map(Counter::get).sum();
        if sum >= until { Poll::Ready(()) } else { Poll::Pending }
    }));
    looped.executor.run_rounds(1, |_| false);
    let waker = waker.lock().unwrap().take().expect("it was polled");
    (task, waker, counters)
}

#[derive(Clone)]
struct Counter(Arc<AtomicUsize>);

impl Default for Counter {
    fn default() -> Self {
        Counter(Arc::new(AtomicUsize::new(0)))
    }
}

impl Counter {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, value: usize) {
        self.0.store(value, Ordering::Relaxed);
    }
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Ends a loop and looks whether its block went with the last that knew it.
fn end(looped: Loop, threads: impl IntoIterator<Item = JoinHandle<()>>) {
    let bell = looped.end();
    join(threads);
    assert_eq!(Arc::strong_count(&bell), 1);
}

#[test]
fn each_of_one_thread_s_wakes_is_followed_by_a_poll() {
    explore("wakes, one thread", 3, || {
        let looped = Loop::new();
        let (task, waker, [counter]) = sleeper(&looped, 3);
        let thread = thread::spawn(move || {
            counter.set(1);
            waker.wake_by_ref();
            counter.set(2);
            let copy = waker.clone();
            copy.wake();
            counter.set(3);
            waker.wake();
        });
        looped.finish(task);
        end(looped, [thread]);
    });
}

#[test]
fn each_of_two_threads_wakes_is_followed_by_a_poll() {
    explore("wakes, two threads", 2, || {
        let looped = Loop::new();
        let (task, waker, [one, two]) = sleeper(&looped, 2);
        let second = waker.clone();
        let threads = [
            thread::spawn(move || {
                one.set(1);
                waker.wake();
            }),
            thread::spawn(move || {
                two.set(1);
                second.wake_by_ref();
            }),
        ];
        looped.finish(task);
        end(looped, threads);
    });
}

#[test]
fn two_tasks_are_woken_by_two_threads() {
    explore("wakes, two tasks", 2, || {
        let looped = Loop::new();
        let (one, first, [counter]) = sleeper(&looped, 1);
        let (two, second, [other]) = sleeper(&looped, 1);
        let threads = [(first, counter), (second, other)].map(|(waker, counter)| {
            thread::spawn(move || {
                counter.set(1);
                waker.wake();
            })
        });
        looped.run(|| one.is_finished() && two.is_finished());
        drop((one, two));
        end(looped, threads);
    });
}

/// What other threads do with wakers that may have nothing to wake any more.
fn use_up(waker: Waker) {
    let copy = waker.clone();
    waker.wake();
    drop(copy.clone());
    copy.wake_by_ref();
}

#[test]
fn wakers_are_used_while_their_task_ends_by_itself() {
    explore("wakes, a task that ends", 3, || {
        let looped = Loop::new();
        let (task, waker, [counter]) = sleeper(&looped, 1);
        let own = waker.clone();
        let thread = thread::spawn(move || use_up(waker));
        counter.set(1);
        own.wake();
        looped.executor.run_rounds(256, |_| false);
        assert!(task.is_finished());
        drop(task);
        looped.executor.run_rounds(256, |_| false);
        end(looped, [thread]);
    });
}

#[test]
fn wakers_are_used_while_their_task_is_cancelled() {
    explore("wakes, a task that is cancelled", 3, || {
        let looped = Loop::new();
        let (task, waker, [_]) = sleeper::<1>(&looped, 1);
        let thread = thread::spawn(move || use_up(waker));
        task.cancel();
        looped.executor.run_rounds(256, |_| false);
        assert!(task.is_finished());
        drop(task);
        end(looped, [thread]);
    });
}

#[test]
fn wakers_are_used_while_their_task_is_dropped() {
    explore("wakes, a task that is dropped on the spot", 3, || {
        let looped = Loop::new();
        let (task, waker, [_]) = sleeper::<1>(&looped, 1);
        let thread = thread::spawn(move || use_up(waker));
        task.drop_now();
        drop(task);
        end(looped, [thread]);
    });
}

#[test]
fn two_threads_let_go_of_the_last_wakers() {
    explore("wakes, two last owners", 2, || {
        let looped = Loop::new();
        let (task, waker, [_]) = sleeper::<1>(&looped, 1);
        let second = waker.clone();
        let threads = [
            thread::spawn(move || drop(waker)),
            thread::spawn(move || {
                drop(second.clone());
                second.wake();
            }),
        ];
        drop(task);
        end(looped, threads);
    });
}
