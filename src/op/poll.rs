//! poll(2): multishot for event sources, once for sockets.
//!
//! # Safety
//! It names no memory.

#![allow(unsafe_code, reason = "calls the driver's unsafe submission")]

use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;

use uring_sys_shim::sqe;

use crate::driver::{Driver, OpKey, Sink};

/// Tells the sink of each edge of readability until cancelled.
pub(crate) fn readable_multi(
    driver: &Driver,
    fd: RawFd,
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    // SAFETY: the SQE names no memory.
    unsafe { driver.submit_to(sqe::poll_multi(fd, libc::POLLIN as u32), sink, tag) }
}

/// Tells the sink once, when the descriptor is ready for one of `events` (`POLL*`).
pub(crate) fn once(
    driver: &Driver,
    fd: RawFd,
    events: i16,
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    // SAFETY: the SQE names no memory.
    unsafe { driver.submit_to(sqe::poll(fd, events as u32), sink, tag) }
}
