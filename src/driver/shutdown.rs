//! The end of a driver: cancel, reap to zero, close; leak what the kernel does not give back.

use std::mem;
use std::rc::Rc;
use std::time::Duration;

use uring_sys_shim::{Ring, Wait, sqe};

use crate::util::contain::contain;

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
        let forked = !self.traffic.borrow().ring.as_ref().is_some_and(Ring::is_here);
        let left = if forked { 0 } else { self.reap_to_zero() };
        self.life.set(Life::Closed);
        let ring = self.traffic.borrow_mut().ring.take();
        self.unpark.close();
        self.pipes.close();
        if let Some(mut ring) = ring {
            if forked {
                // In a forked child nothing is in flight: the kernel works for the parent, on the
                // parent's memory. What the operations hold here is the child's own, and goes.
                drop(ring);
                let ops = mem::take(&mut self.traffic.borrow_mut().ops);
                // Among it are buffers of users.
                contain(|| drop(ops));
            } else if left == 0 {
                let _ = ring.unregister_group(pool::GROUP);
                drop(ring);
            } else {
                // The operations' slots own buffers and transports; the driver owns the slots.
                mem::forget(ring);
                mem::forget(self.clone());
                mem::forget(self.pool.clone());
            }
        }
        self.graveyard.empty();
        // They hold the driver, which holds them.
        drop(self.starved.take());
        left
    }

    /// What the kernel has: operations, the doorbell's poll, messages to other loops.
    fn in_flight(&self) -> usize {
        let doorbell = usize::from(!self.doorbell_silent.get());
        self.traffic.borrow().ops.in_flight() + doorbell + self.kicks.borrow().len()
    }

    /// Enters and routes until nothing is in flight, or time is up.
    fn reap_to_zero(&self) -> usize {
        let now = || self.traffic.borrow().ring.as_ref().map_or(0, Ring::now);
        let deadline = now() + Self::REAP_TIME.as_nanos() as u64;
        let slice = Duration::from_millis(100).as_nanos() as u64;
        let mut in_flight = self.in_flight();
        loop {
            // Transports may cancel or close in answer to a completion: flush that as well.
            let wait = if in_flight == 0 { Wait::Submit } else { Wait::Until(now() + slice) };
            if self.enter(wait).is_err() {
                return in_flight;
            }
            self.route();
            in_flight = self.in_flight();
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

impl Drop for Driver {
    /// Whoever owns a driver closes it. If that was cut short, by a panic, then what the kernel may
    /// still use is leaked.
    fn drop(&mut self) {
        if self.life.get() != Life::Closed {
            mem::forget(self.traffic.take());
            mem::forget(self.pool.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Weak;

    use uring_sys_shim::Cqe;

    use crate::driver::op_table::Slot;
    use crate::driver::{Config, Routing, Sink};

    use super::*;

    struct Nobody;

    impl Sink for Nobody {
        fn complete(self: Rc<Self>, _: u32, _: Cqe, _: &mut Routing<'_>) {}
    }

    fn driver_with(use_it: impl FnOnce(&Driver, Rc<Nobody>)) -> (Rc<Driver>, Weak<Nobody>) {
        let driver = Driver::new(&Config::default()).unwrap();
        let sink = Rc::new(Nobody);
        let weak = Rc::downgrade(&sink);
        use_it(&driver, sink);
        (driver, weak)
    }

    #[test]
    fn a_closed_driver_lets_go_of_those_in_line_for_buffers() {
        let (driver, sink) = driver_with(|driver, sink| _ = driver.starve(sink, None));
        assert_eq!(driver.close(), 0);
        assert!(sink.upgrade().is_none());
    }

    #[test]
    fn a_driver_that_was_not_closed_leaks_what_the_kernel_has() {
        let (driver, sink) = driver_with(|driver, sink| {
            assert!(driver.traffic.borrow_mut().ops.insert(|| Slot::Routed(sink, 0)).is_ok());
        });
        drop(driver);
        assert!(sink.upgrade().is_some());
    }
}
