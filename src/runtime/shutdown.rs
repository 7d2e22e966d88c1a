//! The end of a loop, in order.

use std::io;
use std::time::Duration;

use uring_sys_shim::Wait;

use crate::time::{Clock, Instant};

use super::Runtime;

/// How long the loop waits for what is on its way out.
const LINGER: Duration = Duration::from_secs(1);

/// How long it waits before it looks again for what comes without ringing: the end of a longest time.
const SLICE: Duration = Duration::from_millis(10);

impl Runtime {
    /// Refuses remote work, lets writers that are being closed send what they have, asks every task
    /// to end, turns until they have or the grace is over, drops what is left, then takes every
    /// operation back from the kernel and closes the ring.
    ///
    /// Operations that the kernel does not give back are leaked, which is said on standard error.
    pub(crate) fn close(&self) {
        if self.driver.is_closed() {
            return;
        }
        let _guard = self.enter();
        // Wakes from other threads still arrive: tasks that end may wait for them.
        self.executor.refuse_new();
        self.turn_while(LINGER, || self.driver.is_lingering());
        self.executor.cancel_all();
        self.turn_while(self.config.grace, || self.executor.tasks() > 0);
        self.executor.drop_all();
        self.executor.close_inbox();
        self.driver.graveyard().empty();
        let leaked = self.driver.close();
        self.timers.close();
        if leaked > 0 {
            eprintln!(
                "ringio: {leaked} operations did not come back from the kernel within 5 s; their \
                 memory and the ring are leaked"
            );
        }
    }

    /// Turns as long as it is needed, and not longer than that by the real clock: the loop's may
    /// be manual, and then nobody is left to move it.
    fn turn_while(&self, longest: Duration, is_needed: impl Fn() -> bool) {
        let deadline = Instant::real() + longest;
        while is_needed() && Instant::real() < deadline {
            let is_idle = !self.executor.has_ready();
            let jumped = is_idle && self.driver.operations() == 0 && self.timers.jump_if_manual();
            if is_idle && !jumped && self.wait_until(deadline).is_err()
                || self.turn(|| true).is_err()
            {
                break;
            }
        }
    }

    /// Waits for the kernel, the next timer, or a slice of the time until `deadline`.
    fn wait_until(&self, deadline: Instant) -> io::Result<()> {
        let latest = deadline.min(Instant::real() + SLICE);
        let wait = match (&self.config.clock, self.timers.next_deadline()) {
            (Clock::Real, Some(timer)) => Wait::Until(timer.min(latest).as_nanos()),
            (Clock::Manual(_), Some(_)) => Wait::Poll,
            (_, None) => Wait::Until(latest.as_nanos()),
        };
        self.driver.enter(wait)?;
        self.driver.route();
        Ok(())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.close();
    }
}
