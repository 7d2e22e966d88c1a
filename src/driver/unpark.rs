//! Waking a parked loop from elsewhere.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex};
use std::task::Wake;

use uring_sys_shim::{Wait, sqe, sys};

use super::core::Driver;
use super::current;
use super::op_table::Kind;
use super::parked::Parked;

/// The doorbell of a loop: rung after something was put where the loop will look.
///
/// A loop that is awake costs the ringer a fence and a load. A parked one is woken by a `MSG_RING`
/// from the ringer's own ring, or through the eventfd where the ringer has none. The eventfd is
/// polled by the loop and never read: each write is an edge.
#[derive(Debug)]
pub(crate) struct Unpark {
    parked: Parked,
    doorbell: OwnedFd,
    /// The ring as a target for messages; gone once the loop closes. Ringers hold the `Arc` until
    /// their message has completed, so that the number cannot come to name another file.
    ring: Mutex<Option<Arc<OwnedFd>>>,
}

impl Unpark {
    /// # Errors
    /// When the process has no descriptors left.
    pub(crate) fn new(ring: RawFd) -> io::Result<Arc<Unpark>> {
        let ring = sys::duplicate(ring)?;
        Ok(Arc::new(Unpark {
            parked: Parked::new(),
            doorbell: sys::eventfd()?,
            ring: Mutex::new(Some(Arc::new(ring))),
        }))
    }

    pub(crate) fn doorbell(&self) -> RawFd {
        self.doorbell.as_raw_fd()
    }

    pub(crate) fn parked(&self) -> &Parked {
        &self.parked
    }

    /// The loop has closed its ring: later rings are no-ops.
    pub(crate) fn close(&self) {
        let ring = match self.ring.lock() {
            Ok(mut ring) => ring.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        drop(ring);
    }

    fn ring_bell(self: &Arc<Self>) {
        if !self.parked.must_ring() {
            return;
        }
        // Never waits for the lock: it is held for the clone of an `Arc`, or while the loop ends.
        let target = self.ring.try_lock().ok().and_then(|ring| ring.clone());
        if let (Some(ring), Some(driver)) = (target, current::get())
            && driver.kick(Kick { ring, target: self.clone() })
        {
            return;
        }
        self.write_doorbell();
    }

    fn write_doorbell(&self) {
        // A full counter refuses the write, but then has its edge already.
        let _ = sys::eventfd_write(self.doorbell(), 1);
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.ring_bell();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring_bell();
    }
}

/// A message to a parked loop, until the kernel has delivered it.
#[derive(Debug)]
pub(super) struct Kick {
    /// Keeps the descriptor that the SQE names open.
    ring: Arc<OwnedFd>,
    target: Arc<Unpark>,
}

impl Driver {
    /// Sends a wake-up to another ring; `false` if that must be done another way. It is submitted
    /// at once: what this thread does next may be to block until the other loop has answered.
    fn kick(&self, kick: Kick) -> bool {
        let Ok(mut kicks) = self.kicks.try_borrow_mut() else { return false };
        let free = self.traffic.try_borrow_mut().is_ok();
        if !self.is_open() || !free {
            return false;
        }
        let ring = kick.ring.as_raw_fd();
        let slot = kicks.insert(kick);
        drop(kicks);
        let message = sqe::msg_ring(ring, Kind::Message.user_data(), 0);
        self.push(message.user_data(Kind::Kick.user_data() | slot as u64));
        // What is refused now is sent later; a loop that is woken twice looks once too often.
        let _ = self.enter_once(Wait::Submit);
        !self.has_unsubmitted()
    }

    /// A message was delivered, or was refused: then the eventfd does it.
    pub(super) fn kicked(&self, user_data: u64, res: i32) {
        let slot = (user_data & u64::from(u32::MAX)) as usize;
        let kick = self.kicks.borrow_mut().try_remove(slot);
        if let (Some(kick), true) = (kick, res < 0) {
            kick.target.write_doorbell();
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    use std::task::Waker;

    use super::*;

    fn parked() -> Arc<Unpark> {
        // Any descriptor does for the ring: this thread has no loop that could send it a message.
        let unpark = Unpark::new(sys::eventfd().unwrap().as_raw_fd()).unwrap();
        unpark.parked().announce();
        unpark
    }

    fn has_rung(unpark: &Unpark) -> bool {
        let mut doorbell = [PollFd::new(unpark.doorbell.as_fd(), PollFlags::POLLIN)];
        poll(&mut doorbell, PollTimeout::ZERO).unwrap() == 1
    }

    #[test]
    fn a_full_doorbell_does_not_block_who_rings() {
        let unpark = parked();
        sys::eventfd_write(unpark.doorbell(), u64::MAX - 1).unwrap();
        // Blocks forever if a write to a full counter does.
        Waker::from(unpark.clone()).wake();
        assert!(!unpark.parked().must_ring(), "it has rung");
        assert!(has_rung(&unpark));
    }

    #[test]
    fn who_rings_does_not_wait_for_the_lock_of_a_loop_that_ends() {
        let unpark = parked();
        let held = unpark.ring.lock().unwrap();
        assert!(!has_rung(&unpark));
        // On this thread, so that it blocks forever if it waits.
        Waker::from(unpark.clone()).wake();
        assert!(has_rung(&unpark));
        drop(held);
    }

    #[test]
    fn a_loop_that_is_awake_costs_no_system_call() {
        let unpark = parked();
        unpark.parked().withdraw();
        Waker::from(unpark.clone()).wake_by_ref();
        assert!(!has_rung(&unpark));
        unpark.parked().announce();
        Waker::from(unpark.clone()).wake_by_ref();
        assert!(has_rung(&unpark));
    }
}
