//! A descriptor that is closed through the ring.
//!
//! # Safety
//! A `Descriptor` owns its number from `new` to `release` or drop; in between the number is open.

#![allow(unsafe_code, reason = "borrows and gives away the descriptor that it owns")]

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use uring_sys_shim::{Ring, sqe, sys};

use super::core::Driver;

/// An open descriptor and the loop that uses it. Dropped, it is closed through the ring, or by
/// close(2) when the loop has ended.
///
/// Whoever drops it has made sure that no operation on it is in flight: closing neither cancels
/// nor, for a socket, sends FIN while one is.
#[derive(Debug)]
pub(crate) struct Descriptor {
    driver: Rc<Driver>,
    /// -1 once released.
    fd: Cell<RawFd>,
}

impl Descriptor {
    pub(crate) fn new(driver: &Rc<Driver>, fd: OwnedFd) -> Descriptor {
        Descriptor { driver: driver.clone(), fd: Cell::new(fd.into_raw_fd()) }
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.fd.get()
    }

    pub(crate) fn driver(&self) -> &Rc<Driver> {
        &self.driver
    }

    /// Gives the descriptor away, once; dropping `self` later closes nothing.
    pub(crate) fn release(&self) -> Option<OwnedFd> {
        let fd = self.fd.replace(-1);
        // SAFETY: the number was ours and open, and the cell does not name it any more.
        (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // A released descriptor is not reachable by users: `release` is the end of its owner.
        assert!(self.fd.get() >= 0, "the descriptor was given away");
        // SAFETY: the number is open while `self` holds it. Release and close take the owner by
        // value or end it, so no borrow outlives them.
        unsafe { BorrowedFd::borrow_raw(self.fd.get()) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if let Some(fd) = self.release() {
            self.driver.close_descriptor(fd);
        }
    }
}

impl Driver {
    /// Closes a descriptor without waiting for it.
    pub(crate) fn close_descriptor(&self, fd: OwnedFd) {
        let takes = self.traffic.borrow().ring.as_ref().is_some_and(Ring::is_here);
        if takes {
            self.submit_unheard(sqe::close(fd.into_raw_fd()));
        } else {
            // The loop has ended, or this is a forked child: its copy of the descriptor is its own.
            let _ = sys::close(fd.into_raw_fd());
        }
    }
}
