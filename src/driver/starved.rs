//! Transports that wait for a kernel-filled buffer.

use std::collections::VecDeque;
use std::rc::Rc;

use uring_sys_shim::Ring;

use super::complete::Routing;
use super::core::Driver;
use super::{Sink, pool};

/// How a starved transport may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resume {
    /// Buffers are there again.
    Group,
    /// None came back for a whole turn: receive once into the heap.
    Heap,
}

/// First come, first served. Those that were passed over once get heap memory, so that held
/// buffers can delay nobody for longer than a turn.
#[derive(Default)]
pub(crate) struct Starved {
    waiting: VecDeque<Rc<dyn Sink>>,
    /// How many of the first have been passed over.
    passed_over: usize,
}

impl Driver {
    /// Puts a transport at the end of the line; [`Sink::resume`] is called within two turns.
    pub(crate) fn starve(&self, sink: Rc<dyn Sink>) {
        self.starved.borrow_mut().waiting.push_back(sink);
    }

    /// Whether a transport waits in line: the loop must not park before it was resumed.
    pub(crate) fn has_starved(&self) -> bool {
        !self.starved.borrow().waiting.is_empty()
    }

    /// Whether kernel-filled buffers are available.
    pub(crate) fn has_buffers(&self) -> bool {
        self.pool.available() > 0
    }

    /// Once a turn: returned buffers go back to the kernel, parked bytes make room if few are
    /// left, and starved transports go on.
    pub(crate) fn top_up(&self) {
        if self.pool.is_low() {
            self.relieve_holders();
        }
        if let Some(ring) = self.ring.borrow_mut().as_mut() {
            self.pool.provide(ring);
        }
        if self.has_starved() {
            self.resume_starved();
        }
    }

    fn resume_starved(&self) {
        let mut wakes = self.wakes.take();
        let mut buffers = self.pool.available();
        let line = self.starved.borrow().waiting.len();
        for _ in 0..line {
            let how = {
                let mut starved = self.starved.borrow_mut();
                if buffers > 0 {
                    buffers -= 1;
                    Resume::Group
                } else if starved.passed_over > 0 {
                    Resume::Heap
                } else {
                    starved.passed_over = starved.waiting.len();
                    break;
                }
            };
            let Some(sink) = self.next_starved() else { break };
            sink.resume(how, &mut Routing { driver: self, wakes: &mut wakes });
        }
        wakes.wake_all();
        self.wakes.replace(wakes);
    }

    fn next_starved(&self) -> Option<Rc<dyn Sink>> {
        let mut starved = self.starved.borrow_mut();
        starved.passed_over = starved.passed_over.saturating_sub(1);
        starved.waiting.pop_front()
    }

    /// Parked bytes move to the heap, so that unread bytes cannot hold the pool.
    fn relieve_holders(&self) {
        let holders: Vec<_> = self.holders.borrow_mut().drain().collect();
        for holder in holders {
            if let Some(sink) = holder.upgrade() {
                sink.relieve();
            }
        }
    }

    /// Notes that a transport holds leased memory for a later reader; the key ends with
    /// [`Driver::forget_holder`] or when [`Sink::relieve`] is called.
    pub(crate) fn note_holder(&self, sink: std::rc::Weak<dyn Sink>) -> usize {
        self.holders.borrow_mut().insert(sink)
    }

    pub(crate) fn forget_holder(&self, key: usize) {
        let weak = self.holders.borrow_mut().try_remove(key);
        drop(weak);
    }
}

impl pool::Pool {
    /// Gives returned buffers to the kernel.
    pub(super) fn provide(&self, ring: &mut impl Ring) {
        while let Some(bid) = self.take_free() {
            self.provide_one(ring, bid);
        }
        ring.publish(pool::GROUP);
    }
}
