//! The manual clock of the `testing` feature. It stands here since the timers ask it for the time.
#![cfg_attr(
    not(feature = "testing"),
    allow(dead_code, unreachable_pub, reason = "only the `testing` feature makes and moves one")
)]

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::{Instant, instant};

/// Where a manual clock starts: a day in, so that a test can also speak of earlier instants.
const START: u64 = 24 * 60 * 60 * 1_000_000_000;

/// A clock that moves only when told to: timers in tests end in order, exactly, and in no time.
///
/// Give a clone to `Builder::clock`. Whenever the loop has nothing to do and no I/O in flight, the
/// clock jumps to the next deadline; [`advance`](ManualClock::advance) moves it by hand. Timers on
/// a manual clock are exact to the nanosecond. All clones, on any thread, are one clock.
///
/// ```
/// use ringio::testing::ManualClock;
/// use ringio::time::sleep;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let start = clock.now();
/// let mut runner = ringio::Runner::builder().clock(clock.clone()).build()?;
/// runner.run(sleep(Duration::from_secs(3600))).unwrap(); // takes no time at all
/// assert_eq!(clock.now() - start, Duration::from_secs(3600));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

struct Shared {
    now: AtomicU64,
    auto_jump: AtomicBool,
    /// Of the loops on this clock: a parked one must look at its timers when the clock moves.
    doorbells: Mutex<Vec<Waker>>,
}

impl ManualClock {
    /// Makes a clock that stands still and jumps by itself.
    ///
    /// ```
    /// let clock = ringio::testing::ManualClock::new();
    /// assert_eq!(clock.now(), clock.now());
    /// ```
    pub fn new() -> Self {
        ManualClock {
            shared: Arc::new(Shared {
                now: AtomicU64::new(START),
                auto_jump: AtomicBool::new(true),
                doorbells: Mutex::default(),
            }),
        }
    }

    /// Moves the clock forward; the loops on it fire what is due in their next turn.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let clock = ringio::testing::ManualClock::new();
    /// let start = clock.now();
    /// clock.advance(Duration::from_millis(5));
    /// assert_eq!(clock.now() - start, Duration::from_millis(5));
    /// ```
    pub fn advance(&self, by: Duration) {
        let by = instant::nanos(by);
        let moved = |now: u64| Some(now.saturating_add(by));
        // The closure always gives a value, so the update cannot fail.
        let _ = self.shared.now.fetch_update(Ordering::AcqRel, Ordering::Acquire, moved);
        self.ring();
    }

    /// Whether the clock jumps to the next deadline when a loop has nothing else to do (it does,
    /// unless told otherwise).
    ///
    /// ```
    /// let clock = ringio::testing::ManualClock::new();
    /// clock.auto_jump(false); // from here on only `advance` moves it
    /// ```
    pub fn auto_jump(&self, on: bool) {
        self.shared.auto_jump.store(on, Ordering::Release);
        self.ring();
    }

    /// Reads the clock.
    pub fn now(&self) -> Instant {
        Instant::from_nanos(self.shared.now.load(Ordering::Acquire))
    }

    pub(crate) fn jumps(&self) -> bool {
        self.shared.auto_jump.load(Ordering::Acquire)
    }

    /// Jumps forward to `to`; never back.
    pub(crate) fn jump(&self, to: Instant) {
        self.shared.now.fetch_max(to.as_nanos(), Ordering::AcqRel);
        self.ring();
    }

    pub(crate) fn add_doorbell(&self, doorbell: Waker) {
        self.doorbells().push(doorbell);
    }

    pub(crate) fn remove_doorbell(&self, doorbell: &Waker) {
        self.doorbells().retain(|other| !other.will_wake(doorbell));
    }

    /// Woken after the lock is free again: a doorbell may be any waker.
    fn ring(&self) {
        let doorbells = self.doorbells().clone();
        doorbells.into_iter().for_each(Waker::wake);
    }

    fn doorbells(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.shared.doorbells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("now", &self.now())
            .field("auto_jump", &self.jumps())
            .finish()
    }
}
