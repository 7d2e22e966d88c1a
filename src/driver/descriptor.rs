//! A descriptor that is closed through the ring.

use std::cell::Cell;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use uring_sys_shim::sqe;

use super::core::Driver;

/// An open descriptor and the loop that uses it. Dropped, it is closed through the ring, or by
/// close(2) when the loop has ended.
///
/// Whoever drops it has made sure that no operation on it is in flight: closing neither cancels
/// nor, for a socket, sends FIN while one is.
#[derive(Debug)]
pub(crate) struct Descriptor {
    driver: Rc<Driver>,
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

    /// Gives the descriptor away; dropping `self` later closes nothing.
    pub(crate) fn release(&self) -> RawFd {
        self.fd.replace(-1)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let fd = self.fd.get();
        if fd >= 0 {
            self.driver.close_descriptor(fd);
        }
    }
}

impl Driver {
    /// Closes a descriptor without waiting for it.
    pub(crate) fn close_descriptor(&self, fd: RawFd) {
        if self.is_closed() {
            uring_sys_shim::sys::close(fd);
        } else {
            self.submit_unheard(sqe::close(fd));
        }
    }
}
