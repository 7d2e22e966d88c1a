//! From completions to those who wait for them.

use std::mem;
use std::rc::Rc;

use uring_sys_shim::{ActiveRing, Cqe, Ring};

use crate::util::WakeBatch;

use super::core::{Driver, Traffic};
use super::op_table::{Kind, Route};
use super::spin::Source;
use super::starved::Resume;

/// What a sink may use while it takes in a completion.
pub(crate) struct Routing<'a> {
    pub(crate) driver: &'a Driver,
    /// Wakers to be woken once the whole batch was routed.
    pub(crate) wakes: &'a mut WakeBatch,
}

/// A transport: it owns operations, and with them the memory that they name.
pub(crate) trait Sink {
    /// Takes in one completion of the operation that was submitted under `tag`; it was the last
    /// one unless `cqe.more()`.
    ///
    /// User values that must go are buried in the driver's graveyard, wakers go to the batch.
    fn complete(self: Rc<Self>, tag: u32, cqe: Cqe, routing: &mut Routing<'_>);

    /// Called for a transport that waits for a kernel-filled buffer, in the order of waiting.
    fn resume(self: Rc<Self>, _how: Resume, _routing: &mut Routing<'_>) {}
}

impl Driver {
    /// Whether completions can be routed without entering the kernel.
    pub(crate) fn has_completions(&self) -> bool {
        self.traffic.borrow().ring.as_ref().is_some_and(Ring::has_completions)
    }

    /// Whether the kernel holds completions back until it is entered.
    pub(crate) fn must_enter(&self) -> bool {
        self.traffic.borrow().ring.as_ref().is_some_and(|ring| ring.flags().hold_back())
    }

    /// Whether there is something to submit, or the kernel holds completions back.
    pub(crate) fn wants_entering(&self) -> bool {
        let Traffic { ring, backlog, .. } = &*self.traffic.borrow();
        let wants = |ring: &ActiveRing| ring.flags().hold_back() || ring.unsubmitted() > 0;
        ring.as_ref().is_some_and(wants) || !backlog.is_empty()
    }

    /// Hands every visible completion to its owner, then wakes whom that concerns. Returns how
    /// many there were.
    pub(crate) fn route(&self) -> usize {
        let visible = self.visible();
        if visible > 0 {
            self.stirred.set(true);
            self.counters.completions.add(visible as u64);
            let mut wakes = self.wakes.take();
            let mut left = visible;
            let mut is_first = true;
            while left > 0
                && let Some((cqe, route)) = self.take_completions(is_first, &mut left, &mut wakes)
            {
                self.deliver(cqe, route, &mut wakes);
                is_first = false;
            }
            wakes.wake_all();
            self.wakes.set(wakes);
        }
        self.graveyard.empty();
        visible
    }

    /// Where the first completion came from that was routed last.
    pub(crate) fn first_source(&self) -> Source {
        self.first_source.get()
    }

    /// What is routed comes from somebody who was not there before.
    pub(crate) fn note_newcomer(&self) {
        self.first_source.set(Source::NEWCOMER);
    }

    /// How many completions there are to route. What comes meanwhile is for the next turn.
    #[inline]
    fn visible(&self) -> usize {
        let traffic = self.traffic.borrow();
        let Some(ring) = traffic.ring.as_ref() else { return 0 };
        let visible = ring.completions();
        if visible > 0 {
            // A queue that has overflowed is full, and the flag stays until it was emptied and the
            // kernel entered again.
            self.counters.cq_overflows.add(u64::from(ring.flags().overflow));
        }
        visible
    }

    /// Takes completions that only wake somebody, up to the first one that asks for more: that is
    /// for [`deliver`](Driver::deliver), when nothing is borrowed.
    #[inline]
    fn take_completions(
        &self,
        mut is_first: bool,
        left: &mut usize,
        wakes: &mut WakeBatch,
    ) -> Option<(Cqe, Route)> {
        let Traffic { ring, ops, .. } = &mut *self.traffic.borrow_mut();
        let ring = ring.as_mut()?;
        loop {
            let cqe = ring.take()?;
            if mem::take(&mut is_first) {
                self.first_source.set(Source::of(cqe.user_data));
            }
            *left -= 1;
            let route = match Kind::of(cqe.user_data) {
                Some(Kind::Op) => ops.complete(cqe, wakes),
                _ => Some(Route::Driver),
            };
            match route {
                Some(route) => return Some((cqe, route)),
                None if *left == 0 => return None,
                None => {}
            }
        }
    }

    /// With nothing borrowed.
    #[inline]
    fn deliver(&self, cqe: Cqe, route: Route, wakes: &mut WakeBatch) {
        match route {
            Route::Sink(sink, tag) => {
                sink.complete(tag, cqe, &mut Routing { driver: self, wakes });
            }
            // It drops what a user gave.
            Route::CleanUp(clean_up, completion) => clean_up(completion),
            Route::Driver => match Kind::of(cqe.user_data) {
                Some(Kind::Doorbell) if !cqe.more() => self.doorbell_silent.set(true),
                Some(Kind::Kick) => self.kicked(cqe.user_data, cqe.res),
                // A message only ends the wait; an ignored operation that failed had no owner.
                _ => {}
            },
            Route::Unknown => {
                debug_assert!(false, "completion for an unknown operation: {cqe:?}");
            }
        }
    }
}
