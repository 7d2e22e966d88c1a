//! The end of a loop, in order.

use std::io;
use std::time::Duration;

use crate::time::Instant;

use super::Runtime;

impl Runtime {
    /// Refuses remote work, asks every task to end, turns until they have or the grace is over,
    /// drops what is left, then takes every operation back from the kernel and closes the ring.
    ///
    /// Operations that the kernel does not give back are leaked, which is said on standard error.
    pub(crate) fn close(&self) {
        if self.driver.is_closed() {
            return;
        }
        let _guard = self.enter();
        // Wakes from other threads still arrive: tasks that end may wait for them.
        self.executor.refuse_new();
        self.executor.cancel_all();
        // The end of tasks is given by them, not by the loop's clock, which may be manual.
        let deadline = Instant::real() + self.config.grace;
        while self.executor.tasks() > 0 && Instant::real() < deadline {
            let turned = if self.executor.has_ready() {
                self.turn(|| true)
            } else {
                self.turn_at_most(deadline)
            };
            if turned.is_err() {
                break;
            }
        }
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

    /// A turn that does not outlast the grace.
    fn turn_at_most(&self, deadline: Instant) -> io::Result<()> {
        let slice = Instant::real() + Duration::from_millis(10);
        self.driver.enter(uring_sys_shim::Wait::Until(slice.min(deadline).as_nanos()))?;
        self.driver.route();
        self.turn(|| true)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.close();
    }
}
