//! How long the loop stays away from its events.

use std::cell::Cell;
use std::time::Duration;

use crate::time::Instant;

/// As many polls are few enough to be timed together.
const SHORT: usize = 16;

/// The time between two looks at the clock, waits not counted. Each turn has one, if it does not
/// share it with others: those that have nothing to do with the kernel, up to as many polls as a
/// turn may have, and those that do, up to [`SHORT`] polls. To look costs more than a poll.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// In nanoseconds of the real clock.
    began: Cell<u64>,
    polls: Cell<usize>,
    longest: Cell<u64>,
}

impl Stretch {
    /// The loop is back from a wait.
    #[inline]
    pub(super) fn begins(&self, now: Instant) {
        self.began.set(now.as_nanos());
        self.polls.set(0);
    }

    /// A turn has had so many polls: whether it must not share its look at the clock with the next.
    #[inline]
    pub(super) fn is_over_after(&self, polls: usize) -> bool {
        self.polls.set(self.polls.get() + polls);
        self.polls.get() >= SHORT
    }

    /// Looks at the clock. The next stretch begins.
    #[inline]
    pub(super) fn ends(&self) -> Instant {
        let now = Instant::real();
        let length = now.as_nanos().saturating_sub(self.began.get());
        self.longest.set(self.longest.get().max(length));
        self.begins(now);
        now
    }

    pub(super) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.get())
    }
}
