//! What the loop does when it has nothing to do.

use std::hint::spin_loop;
use std::io;

use uring_sys_shim::Wait;

use crate::time::{Clock, Instant};

use super::Runtime;

impl Runtime {
    /// Waits for a completion, a wake from another thread, or the next timer.
    pub(super) fn park(&self) -> io::Result<()> {
        if self.driver.operations() == 0 && self.timers.jump_if_manual() {
            return Ok(());
        }
        if self.driver.has_completions() {
            return Ok(());
        }
        if self.spin.is_worthwhile() { self.spin() } else { self.wait(Instant::real()) }
    }

    /// Looks for events for a bounded while: waking a halted core costs more than the spin. The
    /// loop does not count as parked meanwhile, so that other threads need not ring.
    fn spin(&self) -> io::Result<()> {
        if self.driver.has_unsubmitted() || self.driver.must_enter() {
            self.driver.enter(Wait::Poll)?;
        }
        let began = Instant::real();
        let deadline = self.timers.next_deadline();
        let end = began.as_nanos().saturating_add(self.spin.window());
        let end = deadline.map_or(end, |deadline| end.min(deadline.as_nanos()));
        for round in 1_u32.. {
            if self.driver.must_enter() {
                self.driver.enter(Wait::Poll)?;
            }
            if self.driver.has_completions() || self.executor.has_ready() {
                let gap = Instant::real().duration_since(began);
                self.spin.record(gap.as_nanos() as u64);
                return Ok(());
            }
            // The clock costs more than a look at the queue.
            if round % 8 == 0 && Instant::real().as_nanos() >= end {
                break;
            }
            spin_loop();
        }
        self.wait(began)
    }

    /// Parks. `idle_since` is when the loop ran out of work.
    fn wait(&self, idle_since: Instant) -> io::Result<()> {
        self.driver.unpark().prepare_to_park();
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
        self.driver.unpark().unparked();
        let gap = Instant::real().duration_since(idle_since);
        self.spin.record(gap.as_nanos() as u64);
        entered
    }
}
