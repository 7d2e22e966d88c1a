//! The timers of one loop.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::clock::{self, Clock};
use super::instant::Instant;
use super::wheel::Wheel;
use crate::util::{Key, WakeBatch};

/// A tick of the real clock is 2¹⁶ ns = 65.5 µs, fine enough for short sleeps to be late by less than
/// 100 µs. And 16 bits with six levels of eight are the clock's 64.
const REAL_TICK_BITS: u32 = 16;

/// No timer is late by more than 2²⁰ ns = 1.05 ms and a tick, however long it is: coarse enough that
/// 100,000 sleepers a second cost 2,000 wake-ups of the loop, where ticks alone made 15,000.
const COARSEST_BITS: u32 = 20;

/// A manual clock is exact: tests can tell every nanosecond apart.
const MANUAL_TICK_BITS: u32 = 0;

/// The clock of one loop and what waits for it.
///
/// The loop calls [`fire`](Timers::fire) once a turn, and before it parks asks
/// [`next_deadline`](Timers::next_deadline) how long it may.
pub(crate) struct Timers {
    clock: Clock,
    wheel: RefCell<Wheel>,
    closed: Cell<bool>,
    /// When the clock was last read.
    seen: Cell<Instant>,
    /// What [`on_advance`](Timers::on_advance) registered with the manual clock.
    doorbell: RefCell<Option<Waker>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Timers>>> = const { RefCell::new(None) };
}

impl Timers {
    pub(crate) fn new(clock: Clock) -> Rc<Self> {
        let tick_bits = match clock {
            Clock::Real => REAL_TICK_BITS,
            Clock::Manual(_) => MANUAL_TICK_BITS,
        };
        Rc::new(Timers {
            wheel: RefCell::new(Wheel::new(clock.now().as_nanos(), tick_bits)),
            closed: Cell::new(false),
            seen: Cell::new(clock.now()),
            clock,
            doorbell: RefCell::new(None),
        })
    }

    /// Reads the clock.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        let now = self.clock.now();
        self.seen.set(now);
        now
    }

    /// When a timer fires that is armed now. A long one may be late by 1/256 of its length, and
    /// ends together with others for it: where many sleep, waking the loop for each costs more
    /// than all they do.
    #[inline]
    fn coarse(&self, deadline: Instant) -> u64 {
        let deadline = deadline.as_nanos();
        if matches!(self.clock, Clock::Manual(_)) {
            return deadline;
        }
        let length = deadline.saturating_sub(self.seen.get().as_nanos());
        match (length >> 8 | 1).ilog2().min(COARSEST_BITS) {
            bits if bits <= REAL_TICK_BITS => deadline,
            bits => deadline | ((1 << bits) - 1),
        }
    }

    /// How many timers are armed.
    pub(crate) fn len(&self) -> usize {
        self.wheel.borrow().len()
    }

    /// Whether nothing is armed.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the loop must call [`fire`](Timers::fire) at the latest; may be past, and may be too
    /// early by a few turns in the life of a timer.
    ///
    /// On a manual clock only what is due now is given, since the kernel does not wait on that
    /// clock: see [`jump_if_manual`](Timers::jump_if_manual) and [`on_advance`](Timers::on_advance).
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let next = self.next()?;
        match &self.clock {
            Clock::Real => Some(next),
            Clock::Manual(clock) => Some(next).filter(|next| *next <= clock.now()),
        }
    }

    /// What comes next on this clock. What waits for the end of time waits for nothing.
    #[inline]
    fn next(&self) -> Option<Instant> {
        let next = self.wheel.borrow().next().map(Instant::from_nanos);
        next.filter(|next| *next < Instant::NEVER)
    }

    /// Whether nothing is to be done for timers at `now`. Else [`fire`](Timers::fire) has to.
    #[inline]
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        self.seen.set(now);
        self.wheel.borrow_mut().is_quiet(now.as_nanos())
    }

    /// Moves the wakers of all timers that are due at `now` into the batch, in the order of their
    /// deadlines, and gives their number. It wakes nothing itself.
    #[inline]
    pub(crate) fn fire(&self, now: Instant, wakes: &mut WakeBatch) -> usize {
        self.seen.set(now);
        self.wheel.borrow_mut().fire(now.as_nanos(), wakes)
    }

    /// For a loop that would park with no I/O in flight: lets a manual clock jump to the next
    /// deadline. False if the clock is real, may not jump, or nothing is armed.
    pub(crate) fn jump_if_manual(&self) -> bool {
        let Clock::Manual(clock) = &self.clock else {
            return false;
        };
        if !clock.jumps() {
            return false;
        }
        let Some(next) = self.next() else {
            return false;
        };
        clock.jump(next);
        true
    }

    /// Has `doorbell` woken whenever a manual clock moves, from any thread, until
    /// [`close`](Timers::close).
    pub(crate) fn on_advance(&self, doorbell: Waker) {
        let Clock::Manual(clock) = &self.clock else {
            return;
        };
        clock.add_doorbell(doorbell.clone());
        let former = self.doorbell.replace(Some(doorbell));
        if let Some(former) = former {
            clock.remove_doorbell(&former);
        }
    }

    /// Makes these the timers of this thread until the guard is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Guard {
        // The thread's last destructors may end a loop.
        let entered = CURRENT.try_with(|current| current.replace(Some(Rc::clone(self))));
        Guard { former: entered.ok().flatten() }
    }

    /// Ends the timers with their loop: drops all wakers, waking none.
    ///
    /// A `Sleep` that outlives its loop can be dropped as ever. Awaiting it ends if its deadline
    /// has passed, and else panics, since nothing is left that would wake it.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        let mut wakers = Vec::new();
        self.wheel.borrow_mut().clear(&mut wakers);
        let doorbell = self.doorbell.take();
        if let (Clock::Manual(clock), Some(doorbell)) = (&self.clock, &doorbell) {
            clock.remove_doorbell(doorbell);
        }
        drop(wakers);
    }

    /// The timers of the running loop.
    #[inline]
    pub(super) fn current() -> Option<Rc<Timers>> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Adds a timer.
    #[inline]
    pub(super) fn arm(&self, deadline: Instant, waker: &Waker) -> Key {
        assert!(!self.closed.get(), "{CLOSED}");
        let waker = waker.clone();
        let mut wheel = self.wheel.borrow_mut();
        let past = self.is_past(&wheel, deadline);
        let armed = wheel.arm(self.coarse(deadline), past, waker);
        drop(wheel);
        armed.unwrap_or_else(|_| panic!("a loop has at most {} timers at once", Key::MAX_SLOTS))
    }

    /// Gives a timer a new deadline and keeps its waker; false if it has fired.
    pub(super) fn move_to(&self, key: Key, deadline: Instant) -> bool {
        let mut wheel = self.wheel.borrow_mut();
        let past = self.is_past(&wheel, deadline);
        wheel.move_to(key, self.coarse(deadline), past)
    }

    /// Removes a timer, if it has not fired.
    #[inline]
    pub(super) fn cancel(&self, key: Key) {
        let waker = self.wheel.borrow_mut().cancel(key);
        drop(waker);
    }

    pub(super) fn has_fired(&self, key: Key) -> bool {
        !self.wheel.borrow().holds(key)
    }

    /// Ready once the timer has fired; until then `waker` is the one that will be woken.
    #[inline]
    pub(super) fn poll(&self, key: Key, deadline: Instant, waker: &Waker) -> Poll<()> {
        if self.closed.get() {
            assert!(self.now() >= deadline, "{CLOSED}");
            return Poll::Ready(());
        }
        match self.wheel.borrow_mut().waker(key) {
            None => return Poll::Ready(()),
            Some(present) if present.will_wake(waker) => return Poll::Pending,
            Some(_) => {}
        }
        let mut waker = waker.clone();
        let armed = match self.wheel.borrow_mut().waker(key) {
            None => Poll::Ready(()),
            Some(present) => {
                std::mem::swap(present, &mut waker);
                Poll::Pending
            }
        };
        drop(waker);
        armed
    }

    /// A deadline in the present tick may have passed since the turn read the clock. In its slot
    /// it would wait for later ones of the same tick, so it is worth another look at the clock.
    #[inline]
    fn is_past(&self, wheel: &Wheel, deadline: Instant) -> bool {
        wheel.is_near(deadline.as_nanos()) && deadline <= self.now()
    }
}

const CLOSED: &str =
    "the loop of this `Sleep` has ended: make a new one in the loop that awaits it";

/// Reads the clock of the running loop, or the real one outside a loop.
#[inline]
pub(super) fn clock_now() -> Instant {
    let current = |current: &RefCell<Option<Rc<Timers>>>| match &*current.borrow() {
        Some(timers) => timers.now(),
        None => clock::monotonic(),
    };
    // The thread's last destructors may still ask for the time.
    CURRENT.try_with(current).unwrap_or_else(|_| clock::monotonic())
}

/// Whether a loop runs on this thread.
#[inline]
pub(super) fn in_loop() -> bool {
    CURRENT.try_with(|current| current.borrow().is_some()).unwrap_or(false)
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("clock", &self.clock)
            .field("armed", &self.len())
            .field("next", &self.next_deadline())
            .field("closed", &self.closed.get())
            .finish()
    }
}

/// Restores the timers that were current before.
#[derive(Debug)]
pub(crate) struct Guard {
    former: Option<Rc<Timers>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let entered = CURRENT.try_with(|current| current.replace(self.former.take()));
        drop(entered);
    }
}
