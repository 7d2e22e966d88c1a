//! shutdown(2) and close(2) for transports.
//!
//! # Safety
//! They name no memory.

#![allow(unsafe_code, reason = "calls the driver's unsafe submission")]

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use uring_sys_shim::sqe;

use crate::driver::{Driver, OpKey, Sink};

/// Ends one or both directions of a connection.
pub(crate) fn shutdown(
    driver: &Driver,
    fd: RawFd,
    how: Shutdown,
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    let how = match how {
        Shutdown::Read => libc::SHUT_RD,
        Shutdown::Write => libc::SHUT_WR,
        Shutdown::Both => libc::SHUT_RDWR,
    };
    // SAFETY: the SQE names no memory.
    unsafe { driver.submit_to(sqe::shutdown(fd, how), sink, tag) }
}

/// Closes a descriptor and tells the sink. If the ring does not take it, it is closed at once.
pub(crate) fn close(
    driver: &Driver,
    fd: OwnedFd,
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    // SAFETY: the SQE names no memory.
    let key = unsafe { driver.submit_to(sqe::close(fd.as_raw_fd()), sink, tag) }?;
    // The operation owns it now.
    let _ = fd.into_raw_fd();
    Ok(key)
}
