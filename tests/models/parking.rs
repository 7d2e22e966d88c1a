//! The flag of a loop that parks: `src/driver/parked.rs` alone.

use std::sync::Arc;

use loom::sync::Notify;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::parked::Parked;
use crate::rig::explore;

struct Doorstep<const RINGERS: usize> {
    parked: Parked,
    kernel: Notify,
    /// How much each ringer has left for the loop.
    left: [AtomicUsize; RINGERS],
}

impl<const RINGERS: usize> Doorstep<RINGERS> {
    fn new() -> Arc<Self> {
        let left = std::array::from_fn(|_| AtomicUsize::new(0));
        Arc::new(Doorstep { parked: Parked::new(), kernel: Notify::new(), left })
    }

    /// Nothing but the flag's own fences orders these.
    fn leave(&self, ringer: usize, up_to: usize) {
        self.left[ringer].store(up_to, Ordering::Relaxed);
        if self.parked.must_ring() {
            self.kernel.notify();
        }
    }

    fn total(&self) -> usize {
        self.left.iter().map(|left| left.load(Ordering::Relaxed)).sum()
    }

    /// Parks until as much was left; a ring that is lost is a deadlock.
    fn collect(&self, all: usize) {
        let mut seen = 0;
        while seen < all {
            self.parked.announce();
            if self.total() == seen {
                self.kernel.wait();
            }
            self.parked.withdraw();
            seen = self.total();
        }
    }
}

#[test]
fn no_ring_of_one_ringer_is_lost() {
    explore("parking, one ringer", 4, || {
        let doorstep = Doorstep::<1>::new();
        let ringer = doorstep.clone();
        let ringer = thread::spawn(move || (1..=3).for_each(|n| ringer.leave(0, n)));
        doorstep.collect(3);
        ringer.join().unwrap();
    });
}

#[test]
fn no_ring_of_two_ringers_is_lost() {
    explore("parking, two ringers", 3, || {
        let doorstep = Doorstep::<2>::new();
        let ringers = [0, 1].map(|ringer| {
            let doorstep = doorstep.clone();
            thread::spawn(move || doorstep.leave(ringer, 1))
        });
        doorstep.collect(2);
        ringers.into_iter().for_each(|ringer| ringer.join().unwrap());
    });
}
