//! How long the loop stays away from its events.

use std::cell::Cell;
use std::time::Duration;

use crate::time::Instant;

/// The time between two looks at the clock, waits not counted. Turns that have nothing to do with
/// the kernel or the clock do not read it: they count together, up to as many polls as one turn may
/// have.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// In nanoseconds of the real clock.
    began: Cell<u64>,
    longest: Cell<u64>,
}

impl Stretch {
    /// The loop is back from a wait.
    #[inline]
    pub(super) fn begins(&self, now: Instant) {
        self.began.set(now.as_nanos());
    }

    /// The loop sees to its events; the next stretch begins.
    #[inline]
    pub(super) fn ends(&self, now: Instant) {
        let length = now.as_nanos().saturating_sub(self.began.get());
        self.longest.set(self.longest.get().max(length));
        self.begins(now);
    }

    pub(super) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.get())
    }
}
