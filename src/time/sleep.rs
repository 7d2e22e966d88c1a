//! Sleeping.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::instant::{self, Instant};
use super::timers::{self, Timers};
use crate::util::Key;

/// Waits until `duration` has passed.
///
/// The time counts from this call (from the first poll if the call is made outside a loop).
/// It never ends early; [`time`](crate::time) says how late. A sleep of zero lets the loop turn
/// once. `Duration::MAX`, like everything beyond 584 years, never ends.
///
/// # Panics
///
/// The future panics when it is polled outside a loop, or after the loop in which it was first
/// polled has ended, unless its time has passed.
///
/// # Cancel safety
///
/// Dropping it cancels its timer and loses nothing.
///
/// ```
/// use ringio::time::{Instant, sleep};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let start = Instant::now();
///     sleep(Duration::from_millis(5)).await;
///     assert!(start.elapsed() >= Duration::from_millis(5));
/// });
/// ```
pub fn sleep(duration: Duration) -> Sleep {
    if timers::in_loop() {
        sleep_until(Instant::now() + duration)
    } else {
        let deadline = Instant::from_nanos(instant::nanos(duration));
        Sleep { deadline, state: State::Outside }
    }
}

/// Waits until the clock has reached `deadline`; a deadline in the past lets the loop turn once.
///
/// # Panics
///
/// As [`sleep`].
///
/// # Cancel safety
///
/// Dropping it cancels its timer and loses nothing.
///
/// ```
/// use ringio::time::{Instant, sleep_until};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let deadline = Instant::now() + Duration::from_millis(2);
///     sleep_until(deadline).await;
///     assert!(Instant::now() >= deadline);
/// });
/// ```
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline, state: State::Idle }
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It belongs to the loop in which it is first polled. It may move to another task of that loop,
/// may be [`reset`](Sleep::reset) and awaited again, and if forgotten gives its timer back when
/// that fires.
#[must_use = "a sleep waits only when it is awaited"]
pub struct Sleep {
    /// Counted from zero as long as the state is `Outside`.
    deadline: Instant,
    state: State,
}

/// ```text
///             first poll          poll after firing
/// Outside ─┐
///          ├──────────────► Armed ─────────────────► Done
/// Idle ────┘                                          │
///   ▲                  reset                          │
///   └─────────────────────────────────────────────────┘
/// ```
enum State {
    /// Made outside a loop: which clock counts is not yet known.
    Outside,
    Idle,
    Armed(Rc<Timers>, Key),
    Done,
}

impl Sleep {
    /// When it ends. For a sleep that was made outside a loop and not yet polled: when it would end
    /// if it were polled now.
    pub fn deadline(&self) -> Instant {
        match self.state {
            State::Outside => Instant::now() + Duration::from_nanos(self.deadline.as_nanos()),
            _ => self.deadline,
        }
    }

    /// Whether it has ended. What has not been polled yet has not ended, whatever the time.
    pub fn is_elapsed(&self) -> bool {
        match &self.state {
            State::Outside | State::Idle => false,
            State::Armed(timers, key) => timers.has_fired(*key) && timers.now() >= self.deadline,
            State::Done => true,
        }
    }

    /// Lets it end at `deadline` instead. A task that waits for it need not poll it again for that.
    /// One that has ended can be awaited anew.
    ///
    /// ```
    /// use ringio::time::{Instant, sleep};
    /// use std::time::Duration;
    ///
    /// ringio::run(async {
    ///     let mut sleep = sleep(Duration::from_secs(3600));
    ///     let soon = Instant::now() + Duration::from_millis(1);
    ///     sleep.reset(soon);
    ///     (&mut sleep).await;
    ///     assert_eq!(sleep.deadline(), soon);
    ///     assert!(sleep.is_elapsed());
    /// });
    /// ```
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        let moved = match &self.state {
            State::Armed(timers, key) => timers.move_to(*key, deadline),
            _ => false,
        };
        if !moved {
            self.state = State::Idle;
        }
    }

    /// The deadline, which counts from now if this was made outside a loop.
    #[inline]
    pub(crate) fn begin(&mut self) -> Instant {
        self.resolve();
        self.deadline
    }

    /// Whether the deadline has passed, by a fresh look at the clock.
    pub(crate) fn is_due(&mut self) -> bool {
        self.begin() <= Instant::now()
    }

    /// Cancels the timer: nothing will be woken on account of this sleep.
    pub(crate) fn disarm(&mut self) {
        if let State::Armed(timers, key) = &self.state {
            timers.cancel(*key);
            self.state = State::Idle;
        }
    }

    /// A sleep that was made outside a loop begins to count.
    fn resolve(&mut self) {
        if let State::Outside = self.state {
            self.deadline = self.deadline();
            self.state = State::Idle;
        }
    }

    #[cold]
    fn outside() -> ! {
        panic!(
            "a timer was polled outside a ringio loop: await it inside `ringio::run` or `Runner::run`"
        )
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.state {
            State::Armed(timers, key) => {
                std::task::ready!(timers.poll(*key, self.deadline, cx.waker()));
                self.state = State::Done;
                Poll::Ready(())
            }
            State::Done => Poll::Ready(()),
            State::Outside | State::Idle => {
                let Some(timers) = Timers::current() else { Sleep::outside() };
                self.resolve();
                let key = timers.arm(self.deadline, cx.waker());
                self.state = State::Armed(timers, key);
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let State::Armed(timers, key) = &self.state {
            timers.cancel(*key);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline())
            .field("elapsed", &self.is_elapsed())
            .finish()
    }
}
