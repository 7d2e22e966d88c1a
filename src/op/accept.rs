//! accept(2) for listeners.
//!
//! # Safety
//! It names no memory: whose the connection is can be asked later, and rarely is.

#![allow(unsafe_code, reason = "calls the driver's unsafe submission")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use uring_sys_shim::sqe;

use crate::driver::{Descriptor, Driver, OpKey, Sink};

/// Accepts one connection.
pub(crate) fn accept(
    driver: &Driver,
    fd: RawFd,
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    // SAFETY: the SQE names no memory.
    unsafe { driver.submit_to(sqe::accept(fd, libc::SOCK_CLOEXEC), sink, tag) }
}

/// The connection that a completion brought, or the errno.
pub(crate) fn accepted(driver: &Rc<Driver>, res: i32) -> Result<Descriptor, i32> {
    if res < 0 {
        return Err(-res);
    }
    // SAFETY: the kernel just opened this descriptor for us; nobody else knows its number.
    let fd = unsafe { OwnedFd::from_raw_fd(res) };
    Ok(Descriptor::new(driver, fd))
}
