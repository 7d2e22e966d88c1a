//! send(2) for transports. The kernel goes on until all is sent (`MSG_WAITALL`), and never raises
//! SIGPIPE.
//!
//! # Safety
//! See [`Driver::submit_to`]: the sink owns the memory until the final completion.

#![allow(unsafe_code, reason = "hands memory to the kernel")]

use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;

use uring_sys_shim::{Caps, sqe};

use crate::driver::{Driver, OpKey, Sink};

use super::recv::MAX_LENGTH;

const FLAGS: i32 = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;

/// Sends the bytes at `start`.
///
/// # Safety
/// As [`Driver::submit_to`].
pub(crate) unsafe fn one(
    driver: &Driver,
    fd: RawFd,
    (start, len): (*const u8, usize),
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    let len = u32::try_from(len).unwrap_or(MAX_LENGTH).min(MAX_LENGTH);
    // SAFETY: passed on to the caller.
    unsafe { driver.submit_to(sqe::send(fd, start, len, FLAGS), sink, tag) }
}

/// Several pieces of memory, sent as one, in a place that does not move.
#[derive(Debug)]
pub(crate) struct Pieces {
    message: Box<libc::msghdr>,
    pieces: Vec<libc::iovec>,
}

impl Default for Pieces {
    fn default() -> Self {
        // SAFETY: all-zero is a valid `msghdr`: null pointers with zero lengths.
        let message = Box::new(unsafe { std::mem::zeroed() });
        Pieces { message, pieces: Vec::new() }
    }
}

impl Pieces {
    /// Most pieces of one send (`UIO_MAXIOV` is 1024; more than this gains nothing).
    pub(crate) const MAX: usize = 128;

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
    }

    /// Adds a piece, or as much of it as one send moves; `false` if that was not all.
    pub(crate) fn push(&mut self, start: *const u8, len: usize) -> bool {
        let total: usize = self.pieces.iter().map(|piece| piece.iov_len).sum();
        let fits = len.min(MAX_LENGTH as usize - total);
        if self.pieces.len() == Self::MAX || fits == 0 {
            return false;
        }
        self.pieces.push(libc::iovec { iov_base: start.cast_mut().cast(), iov_len: fits });
        fits == len
    }
}

/// Sends all pieces in order.
///
/// # Safety
/// As [`Driver::submit_to`], for `pieces` itself and for the memory that they name.
pub(crate) unsafe fn vectored(
    driver: &Driver,
    fd: RawFd,
    pieces: &mut Pieces,
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    let (start, count) = (pieces.pieces.as_ptr(), pieces.pieces.len());
    let sqe = if driver.caps().contains(Caps::SEND_VECTORIZED) {
        sqe::send_vectored(fd, start, count as u32, FLAGS)
    } else {
        pieces.message.msg_iov = start.cast_mut();
        pieces.message.msg_iovlen = count;
        sqe::sendmsg(fd, &*pieces.message, FLAGS)
    };
    // SAFETY: passed on to the caller.
    unsafe { driver.submit_to(sqe, sink, tag) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_is_too_long_for_one_send_is_sent_in_part() {
        let mut pieces = Pieces::default();
        assert!(!pieces.push(std::ptr::null(), usize::MAX));
        assert_eq!(pieces.pieces[0].iov_len, MAX_LENGTH as usize);
        assert!(!pieces.push(std::ptr::null(), 1));
    }
}
