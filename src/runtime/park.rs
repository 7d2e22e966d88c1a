//! What the loop does when it has nothing to do.

use std::hint::spin_loop;
use std::io;

use uring_sys_shim::Wait;

use crate::time::{Clock, Instant};

use super::Runtime;

impl Runtime {
    /// Waits for a completion, a wake from another thread, or the next timer.
    ///
    /// `now` is the time, if that is known. Says whether something was waited for and came, and was
    /// not there before.
    pub(super) fn park(&self, mut now: Option<Instant>) -> io::Result<bool> {
        if self.driver.operations() == 0 && self.timers.jump_if_manual() {
            return Ok(false);
        }
        if self.driver.has_completions() {
            // They came when the submission queue was full, which did not let the kernel do what
            // it holds back until it is entered: that could go on for ever.
            if self.driver.wants_entering() {
                self.driver.enter(Wait::Poll)?;
            }
            return Ok(false);
        }
        if self.driver.has_unsubmitted() && self.spin.has_few_sources() {
            // What ends while it is submitted is no event that was waited for. Most sends do. With many
            // sources nobody asks, and it is submitted with the wait.
            self.driver.enter(Wait::Poll)?;
            if self.driver.has_completions() {
                return Ok(false);
            }
            now = None;
        }
        let began = now.unwrap_or_else(|| self.stretch.ends());
        if !self.spin.is_worthwhile() {
            return self.wait(began);
        }
        // A timer that is due before an event can be expected is not worth a spin.
        let end = began.as_nanos().saturating_add(self.spin.window());
        let soon = |deadline: Instant| deadline.as_nanos() <= end;
        if self.timers.next_deadline().is_some_and(soon) {
            return self.wait(began);
        }
        self.spin_until(began, end)
    }

    /// Looks for events for a bounded while: waking a halted core costs more than the spin. The
    /// loop does not count as parked meanwhile, so that other threads need not ring.
    fn spin_until(&self, began: Instant, end: u64) -> io::Result<bool> {
        for round in 1_u32.. {
            if self.driver.must_enter() {
                self.driver.enter(Wait::Poll)?;
            }
            if self.driver.has_completions() || self.executor.has_ready() {
                let now = Instant::real();
                self.spin.record(nanos_between(began, now));
                self.stretch.begins(now);
                self.counters.spins_won.add(1);
                return Ok(true);
            }
            // The clock costs more than a look at the queue.
            if round % 8 == 0 && Instant::real().as_nanos() >= end {
                break;
            }
            spin_loop();
        }
        self.counters.spins_lost.add(1);
        self.wait(began)
    }

    /// Parks. `idle_since` is when the loop ran out of work.
    fn wait(&self, idle_since: Instant) -> io::Result<bool> {
        self.driver.unpark().parked().announce();
        // A ringer that came before saw a loop that is awake: look once more.
        let wait = if self.executor.has_ready() {
            Wait::Poll
        } else {
            match self.timers.next_deadline() {
                // Due since the timers fired; the kernel does not count on that clock.
                Some(_) if matches!(self.config.clock, Clock::Manual(_)) => Wait::Poll,
                Some(deadline) => Wait::Until(deadline.as_nanos()),
                None => Wait::Forever,
            }
        };
        let entered = self.driver.enter(wait);
        let rung = self.driver.unpark().parked().withdraw();
        if wait != Wait::Poll {
            self.counters.parks.add(1);
            self.counters.remote_wakes.add(u64::from(rung));
        }
        let now = Instant::real();
        self.stretch.begins(now);
        let gap = nanos_between(idle_since, now);
        let event = self.driver.has_completions() || self.executor.has_ready();
        if event {
            self.spin.record(gap);
        } else {
            self.spin.record_timer();
        }
        entered.map(|()| event)
    }
}

fn nanos_between(began: Instant, ended: Instant) -> u64 {
    ended.as_nanos().saturating_sub(began.as_nanos())
}
