//! A point in time on a loop's clock.

use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use super::timers;

/// A point in time on the clock of the loop it was read in, in whole nanoseconds.
///
/// The clock is `CLOCK_MONOTONIC`, or the manual clock that the loop was built with: instants of
/// loops with different clocks must not be compared. All arithmetic saturates: an instant too far
/// away to be represented (584 years) is never reached, and sleeping until then sleeps for ever.
///
/// ```
/// use ringio::time::{Instant, sleep};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let start = Instant::now();
///     sleep(Duration::from_millis(2)).await;
///     assert!(start.elapsed() >= Duration::from_millis(2));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The end of time, which no clock reaches.
    pub(crate) const NEVER: Instant = Instant(u64::MAX);

    /// Reads the clock of the running loop, or outside a loop the machine's monotonic clock.
    ///
    /// ```
    /// let earlier = ringio::time::Instant::now();
    /// assert!(ringio::time::Instant::now() >= earlier);
    /// ```
    #[doc(alias = "time")]
    pub fn now() -> Self {
        timers::clock_now()
    }

    /// Reads the machine's monotonic clock, whatever the loop's own clock is.
    pub(crate) fn real() -> Self {
        super::clock::monotonic()
    }

    /// The time that has passed since this instant; zero if it has not come yet.
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// The time from `earlier` to this instant; zero if `earlier` is the later one.
    ///
    /// ```
    /// use ringio::time::Instant;
    /// use std::time::Duration;
    ///
    /// let (a, b) = (Instant::now(), Instant::now() + Duration::from_secs(1));
    /// assert!(b.duration_since(a) >= Duration::from_secs(1));
    /// assert_eq!(a.duration_since(b), Duration::ZERO);
    /// ```
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Nanoseconds on the clock's own scale.
    #[inline]
    pub(crate) const fn as_nanos(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }
}

/// Whole nanoseconds, saturating at 584 years.
#[inline]
pub(super) fn nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

impl Add<Duration> for Instant {
    type Output = Instant;

    #[inline]
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos(duration)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    #[inline]
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_sub(nanos(duration)))
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    #[inline]
    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let instant = Instant::from_nanos(5);
        assert_eq!(instant + Duration::MAX, Instant::NEVER);
        assert_eq!(Instant::NEVER + Duration::from_nanos(1), Instant::NEVER);
        assert_eq!(instant - Duration::from_secs(1), Instant::from_nanos(0));
        assert_eq!(instant - Instant::NEVER, Duration::ZERO);
        assert_eq!(instant + Duration::new(1, 1), Instant::from_nanos(1_000_000_006));
    }

    #[test]
    fn outside_a_loop_the_machine_s_clock_is_read() {
        let before = Instant::now();
        assert!(before > Instant::from_nanos(0));
        assert!(Instant::now() >= before);
    }
}
