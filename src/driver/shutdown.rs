//! The end of a driver: cancel, reap to zero, close; leak what the kernel does not give back.

use std::rc::Rc;
use std::time::Duration;

use uring_sys_shim::{Ring, Wait, sqe};

use super::core::{Driver, Life};
use super::pool;

impl Driver {
    /// How long the kernel may take to give all operations back, before they are leaked.
    const REAP_TIME: Duration = Duration::from_secs(5);

    /// Takes no new operations from here on, and asks the kernel to end those in flight.
    pub(crate) fn begin_close(&self) {
        if self.life.replace(Life::Closing) != Life::Open {
            return;
        }
        self.submit_unheard(sqe::cancel_all());
    }

    /// Closes the ring once every operation has ended. Returns how many did not, in which case
    /// the memory that the kernel may still use, and the ring, are leaked.
    pub(crate) fn close(self: &Rc<Self>) -> usize {
        if self.life.get() == Life::Closed {
            return 0;
        }
        self.begin_close();
        let left = self.reap_to_zero();
        self.life.set(Life::Closed);
        let ring = self.ring.borrow_mut().take();
        self.unpark.close();
        if let Some(mut ring) = ring {
            if left == 0 {
                let _ = ring.unregister_group(pool::GROUP);
                drop(ring);
            } else {
                // The operations' slots own buffers and transports; the driver owns the slots.
                std::mem::forget(ring);
                std::mem::forget(self.clone());
                std::mem::forget(self.pool.clone());
            }
        }
        self.graveyard.empty();
        left
    }

    /// Enters and routes until nothing is in flight, or time is up.
    fn reap_to_zero(&self) -> usize {
        let now = || self.ring.borrow().as_ref().map_or(0, Ring::now);
        let deadline = now() + Self::REAP_TIME.as_nanos() as u64;
        let slice = Duration::from_millis(100).as_nanos() as u64;
        let mut in_flight = self.ops.borrow().in_flight();
        loop {
            // Transports may cancel or close in answer to a completion: flush that as well.
            let wait = if in_flight == 0 { Wait::Submit } else { Wait::Until(now() + slice) };
            if self.enter(wait).is_err() {
                return in_flight;
            }
            self.route();
            in_flight = self.ops.borrow().in_flight();
            let settled = in_flight == 0 && !self.has_unsubmitted();
            if settled {
                return 0;
            }
            if now() >= deadline {
                return in_flight;
            }
        }
    }
}
