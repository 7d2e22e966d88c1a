//! The inbox: closures that other threads push while the loop takes them in, or ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom::cell::UnsafeCell;
use loom::thread;

use crate::executor::Remote;
use crate::rig::{Loop, explore};

/// What became of one closure. The counters are the standard library's, which order nothing here.
#[derive(Default)]
struct Fate {
    called: AtomicUsize,
    dropped: AtomicUsize,
    came_back: AtomicUsize,
}

impl Fate {
    fn assert_once(&self) {
        assert_eq!(self.dropped.load(Relaxed), 1, "each is dropped once");
        let ends = self.called.load(Relaxed) + self.came_back.load(Relaxed);
        assert!(ends <= 1, "called, handed back, or neither");
    }

    fn was_called(&self) -> bool {
        self.called.load(Relaxed) == 1
    }
}

struct Token(Arc<Fate>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Relaxed);
    }
}

/// Pushes a closure that reads what this thread has written.
fn push(remote: &Remote, fate: &Arc<Fate>) {
    let (letter, token) = (UnsafeCell::new(0_u8), Token(fate.clone()));
    letter.with_mut(|_| ());
    let closure = move || {
        letter.with_mut(|_| ());
        token.0.called.fetch_add(1, Relaxed);
    };
    if let Err(closure) = remote.push(Box::new(closure)) {
        fate.came_back.fetch_add(1, Relaxed);
        drop(closure);
    }
}

fn pusher(looped: &Loop, fates: &[Arc<Fate>]) -> thread::JoinHandle<()> {
    let (remote, fates) = (looped.executor.remote(), fates.to_vec());
    thread::spawn(move || fates.iter().for_each(|fate| push(&remote, fate)))
}

fn fates<const N: usize>() -> [Arc<Fate>; N] {
    std::array::from_fn(|_| Arc::default())
}

#[test]
fn a_parked_loop_calls_all_that_two_threads_push() {
    explore("closures, two pushers and a loop that parks", 2, || {
        let looped = Loop::new();
        let fates = fates::<3>();
        let pushers = [pusher(&looped, &fates[..2]), pusher(&looped, &fates[2..])];
        looped.run(|| fates.iter().all(|fate| fate.was_called()));
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let bell = looped.end();
        assert_eq!(Arc::strong_count(&bell), 1);
        fates.iter().for_each(|fate| fate.assert_once());
    });
}

#[test]
fn while_the_inbox_closes_each_is_called_or_comes_back() {
    explore("closures, two pushers and a loop that closes", 2, || {
        let looped = Loop::new();
        let fates = fates::<3>();
        let pushers = [pusher(&looped, &fates[..2]), pusher(&looped, &fates[2..])];
        looped.executor.run_rounds(256, |_| false);
        looped.executor.close_inbox();
        let bell = looped.end();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert_eq!(Arc::strong_count(&bell), 1);
        for fate in &fates {
            fate.assert_once();
            assert!(fate.was_called() || fate.came_back.load(Relaxed) == 1);
        }
    });
}

#[test]
fn what_an_ending_loop_does_not_call_is_dropped_once() {
    explore("closures, two pushers and a loop that is dropped", 2, || {
        let looped = Loop::new();
        let fates = fates::<2>();
        let pushers = [pusher(&looped, &fates[..1]), pusher(&looped, &fates[1..])];
        let bell = looped.end();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert_eq!(Arc::strong_count(&bell), 1);
        fates.iter().for_each(|fate| fate.assert_once());
    });
}
