//! A loop without a ring: it polls, fires, and lets the manual clock jump. And odd wakers.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::time::manual::ManualClock;
use crate::time::{Clock, Instant, Timers};
use crate::util::WakeBatch;

pub(crate) const fn ns(n: u64) -> Duration {
    Duration::from_nanos(n)
}

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) struct Loop {
    pub(crate) clock: ManualClock,
    pub(crate) timers: Rc<Timers>,
    wakes: RefCell<WakeBatch>,
}

impl Loop {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        let timers = Timers::new(Clock::manual(clock.clone()));
        Loop { clock, timers, wakes: RefCell::default() }
    }

    /// Polls once with a waker, as a task of this loop.
    pub(crate) fn poll<F: Future + Unpin>(&self, future: &mut F, waker: &Waker) -> Poll<F::Output> {
        let _entered = self.timers.enter();
        pin!(future).poll(&mut Context::from_waker(waker))
    }

    /// Fires what is due now.
    pub(crate) fn fire(&self) -> usize {
        let _entered = self.timers.enter();
        let mut wakes = self.wakes.take();
        let fired = self.timers.fire(self.timers.now(), &mut wakes);
        wakes.wake_all();
        fired
    }

    pub(crate) fn advance(&self, by: Duration) -> usize {
        self.clock.advance(by);
        self.fire()
    }

    /// Runs to the end, and panics where a loop would wait for ever.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.timers.enter();
        let (flag, waker) = Flag::new();
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            self.fire();
            while !flag.take() {
                assert!(self.timers.jump_if_manual(), "nothing is ready and no timer is armed");
                self.fire();
            }
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// A waker that remembers.
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn new() -> (Arc<Flag>, Waker) {
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        (Arc::clone(&flag), Waker::from(flag))
    }

    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Writes down which of its wakers were woken, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<usize>>>);

impl Log {
    pub(crate) fn waker(&self, id: usize) -> Waker {
        let log = self.clone();
        on_wake(move || log.0.lock().unwrap().push(id))
    }

    pub(crate) fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A waker that does what it is told.
pub(crate) fn on_wake(action: impl Fn() + Send + Sync + 'static) -> Waker {
    struct OnWake<F>(F);
    impl<F: Fn() + Send + Sync> Wake for OnWake<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Waker::from(Arc::new(OnWake(action)))
}

/// Random numbers that are the same in every run (xorshift64*).
pub(crate) struct Random(pub(super) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Of any magnitude up to `bits` bits, each as likely.
    pub(crate) fn magnitude(&mut self, bits: u64) -> u64 {
        let bits = self.below(bits + 1) as u32;
        self.next().checked_shr(64 - bits).unwrap_or(0)
    }
}
