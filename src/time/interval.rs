//! Ticking at a fixed rate.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Instant, Sleep, sleep, sleep_until};
use crate::util::budget;

/// Ticks at once and then every `period`.
///
/// # Panics
///
/// If `period` is zero.
///
/// ```
/// use ringio::time::interval;
/// use std::time::Duration;
///
/// ringio::run(async {
///     let mut interval = interval(Duration::from_millis(1));
///     let first = interval.tick().await;
///     let second = interval.tick().await;
///     assert_eq!(second - first, Duration::from_millis(1));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    Interval::new(sleep(Duration::ZERO), period)
}

/// Ticks at `start` and then every `period`.
///
/// # Panics
///
/// If `period` is zero.
///
/// ```
/// use ringio::time::{Instant, interval_at};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let start = Instant::now() + Duration::from_millis(2);
///     let mut interval = interval_at(start, Duration::from_secs(60));
///     assert_eq!(interval.tick().await, start);
/// });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval::new(sleep_until(start), period)
}

/// What an [`Interval`] does about ticks that nobody was there to take.
///
/// ```
/// use ringio::time::{MissedTick, interval};
/// use std::time::Duration;
///
/// let interval = interval(Duration::from_secs(1));
/// assert_eq!(interval.missed_tick(), MissedTick::Burst);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum MissedTick {
    /// Deliver each of them, one right after the other, and so keep their number right.
    #[default]
    Burst,
    /// Deliver one, and count the next period from then: ticks are never less than a period apart.
    Delay,
    /// Deliver one, and go on with the next that still lies ahead: ticks stay multiples of the
    /// period from the start.
    Skip,
}

/// Ticks at a fixed rate; made by [`interval`] and [`interval_at`].
#[derive(Debug)]
pub struct Interval {
    /// Until the next tick.
    next: Sleep,
    period: Duration,
    missed: MissedTick,
}

impl Interval {
    #[track_caller]
    fn new(next: Sleep, period: Duration) -> Self {
        assert!(!period.is_zero(), "the period of an interval must not be zero");
        Interval { next, period, missed: MissedTick::default() }
    }

    /// Waits for the next tick and gives the instant at which it was due.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no tick: the next call waits for the same one.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Lets the next tick come one period from now.
    ///
    /// ```
    /// use ringio::time::{Instant, interval};
    /// use std::time::Duration;
    ///
    /// ringio::run(async {
    ///     let mut interval = interval(Duration::from_millis(2));
    ///     interval.reset(); // no tick at once
    ///     let now = Instant::now();
    ///     interval.tick().await;
    ///     assert!(now.elapsed() >= Duration::from_millis(1));
    /// });
    /// ```
    pub fn reset(&mut self) {
        self.next.reset(Instant::now() + self.period);
    }

    /// The time between two ticks.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let interval = ringio::time::interval(Duration::from_secs(1));
    /// assert_eq!(interval.period(), Duration::from_secs(1));
    /// ```
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What it does about missed ticks: [`MissedTick::Burst`], unless told otherwise.
    pub fn missed_tick(&self) -> MissedTick {
        self.missed
    }

    /// Chooses what it does about missed ticks.
    ///
    /// ```
    /// use ringio::time::{MissedTick, interval};
    /// use std::time::Duration;
    ///
    /// let mut interval = interval(Duration::from_secs(1));
    /// interval.set_missed_tick(MissedTick::Skip);
    /// assert_eq!(interval.missed_tick(), MissedTick::Skip);
    /// ```
    pub fn set_missed_tick(&mut self, missed: MissedTick) {
        self.missed = missed;
    }

    /// A tick that is overdue is given at once, against the task's budget.
    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        if self.next.is_due() {
            ready!(budget::spend(cx));
        } else {
            ready!(Pin::new(&mut self.next).poll(cx));
        }
        let due = self.next.deadline();
        self.next.reset(self.after(due, Instant::now()));
        Poll::Ready(due)
    }

    /// The tick after the one that was due at `due` and is delivered `now`.
    fn after(&self, due: Instant, now: Instant) -> Instant {
        let next = due + self.period;
        match self.missed {
            MissedTick::Burst => next,
            MissedTick::Delay => now + self.period,
            MissedTick::Skip if next > now => next,
            MissedTick::Skip => {
                let period = super::instant::nanos(self.period);
                let late = now.as_nanos() - due.as_nanos();
                now + Duration::from_nanos(period - late % period)
            }
        }
    }
}
