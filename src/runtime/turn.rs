//! One turn of the loop.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use uring_sys_shim::Wait;

use crate::blocking::{OpenJobs, open_jobs};
use crate::driver::{self, Driver, Source, Spin};
use crate::executor::{self, Executor};
use crate::time::{self, Clock, Instant, Timers};
use crate::util::WakeBatch;

use super::stretch::Stretch;
use super::{Config, RemoteHandle, current, remote_handle, stats};

/// Tasks polled in one turn, so that ready tasks cannot starve timers and I/O.
const POLLS_PER_TURN: usize = 256;

/// Everything of one loop.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) driver: Rc<Driver>,
    pub(crate) executor: Rc<Executor>,
    pub(crate) timers: Rc<Timers>,
    pub(super) spin: Spin,
    pub(super) config: Config,
    pub(super) counters: Rc<stats::Counters>,
    pub(super) stretch: Rc<Stretch>,
    /// What is out on other threads.
    pub(super) jobs: Arc<OpenJobs>,
    wakes: RefCell<WakeBatch>,
}

/// The loop is the current one of its thread while this lives.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their destructors, in this order")]
pub(crate) struct Guard {
    flush: Flush,
    executor: executor::current::Guard,
    timers: time::timers::Guard,
    driver: driver::current::Guard,
    handle: remote_handle::Guard,
    current: current::Guard,
    jobs: open_jobs::Guard,
}

/// Submits what the last turn has left, for the loop stands still from now on: messages that wake
/// other loops, descriptors to close.
#[derive(Debug)]
struct Flush(Rc<Driver>);

impl Drop for Flush {
    fn drop(&mut self) {
        if self.0.has_unsubmitted() {
            // What cannot be submitted now is submitted by the next run, or by the end.
            let _ = self.0.enter(Wait::Submit);
        }
    }
}

impl Runtime {
    /// # Errors
    /// What keeps the ring from being made, with the remedy in words.
    pub(crate) fn new(config: Config) -> io::Result<Runtime> {
        let driver = Driver::new(&config.driver)?;
        let timers = Timers::new(config.clock.clone());
        timers.on_advance(driver.unpark().clone().into());
        let executor = Executor::new(driver.unpark().clone().into());
        let grace = config.grace;
        executor.set_grace(Rc::new(move || Box::pin(time::sleep(grace))));
        Ok(Runtime {
            executor,
            timers,
            spin: Spin::new(config.driver.spin),
            config,
            counters: Rc::default(),
            stretch: Rc::default(),
            jobs: OpenJobs::new(driver.unpark().clone().into()),
            driver,
            wakes: RefCell::default(),
        })
    }

    pub(crate) fn enter(&self) -> Guard {
        self.stretch.begins(Instant::real());
        Guard {
            flush: Flush(self.driver.clone()),
            executor: self.executor.enter(),
            timers: self.timers.enter(),
            driver: driver::current::enter(&self.driver),
            handle: remote_handle::enter(RemoteHandle::new(self.executor.remote())),
            current: current::enter(self.sources()),
            jobs: open_jobs::enter(self.jobs.clone()),
        }
    }

    /// Ready tasks, due timers, then the kernel: waiting for it only when nothing else is to do,
    /// and not at all once `done` says that the loop has reached its end.
    ///
    /// A turn whose tasks have made tasks ready, while there is nothing for the kernel or from it
    /// and no timer is due, is over after a few loads, and a look at the clock if one is armed. Several
    /// such turns may be one call, until they have had as many polls as one may have.
    ///
    /// # Errors
    /// When the kernel refuses to be entered.
    #[inline]
    pub(crate) fn turn(&self, done: impl Fn() -> bool) -> io::Result<()> {
        self.counters.turns.add(1);
        let polled = self.executor.run_rounds(POLLS_PER_TURN, |polled| {
            if polled >= POLLS_PER_TURN || !self.driver.is_quiet() || done() {
                return false;
            }
            // Last, for it looks at the clock.
            if !self.timers.is_empty() && !self.timers_are_quiet() {
                return false;
            }
            self.counters.turns.add(1);
            true
        });
        self.see_to_events(polled, done)
    }

    /// The rest of a turn: timers, buffers, the kernel.
    fn see_to_events(&self, polled: usize, done: impl Fn() -> bool) -> io::Result<()> {
        let is_timed = self.stretch.is_over_after(polled) || !self.timers.is_empty();
        let now = is_timed.then(|| self.stretch.ends());
        self.driver.graveyard().empty();
        if let Some(now) = now {
            self.fire_timers(now);
        }
        self.driver.top_up();
        let mut waited = false;
        if self.executor.has_ready() || self.driver.has_starved() || done() {
            if self.driver.wants_entering() {
                self.driver.enter(Wait::Poll)?;
            }
        } else {
            waited = self.park(now)?;
        }
        let completions = self.driver.route();
        if waited {
            self.spin.came_from(match completions {
                0 => Source::THREAD,
                _ => self.driver.first_source(),
            });
        }
        self.driver.settle();
        Ok(())
    }

    /// `now` is what the real clock says.
    fn fire_timers(&self, now: Instant) {
        if self.timers.is_empty() {
            return;
        }
        let now = self.time(now);
        if self.timers.is_quiet(now) {
            return;
        }
        let mut wakes = self.wakes.take();
        self.timers.fire(now, &mut wakes);
        wakes.wake_all();
        self.wakes.replace(wakes);
    }

    /// Whether no timer is due, by another look at the clock.
    #[cold]
    fn timers_are_quiet(&self) -> bool {
        self.timers.is_quiet(self.time(self.stretch.ends()))
    }

    /// What the loop's clock says when the real one says `now`.
    #[inline]
    fn time(&self, now: Instant) -> Instant {
        match self.config.clock {
            Clock::Real => now,
            Clock::Manual(_) => self.timers.now(),
        }
    }
}
