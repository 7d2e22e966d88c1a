//! What a process has received, counted by the kernel.
//!
//! # Safety
//! Two calls of the kernel that write one value each, to a place of that type.

#![allow(unsafe_code, reason = "counters of the kernel that no crate here asks for")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};

/// Bytes that the process has received from a TCP socket: those that have come, less those that
/// wait in the kernel.
pub(crate) fn received(socket: &impl AsFd) -> usize {
    let fd = socket.as_fd().as_raw_fd();
    let mut waiting: libc::c_int = 0;
    // SAFETY: tcp(7): the call writes an int.
    let told = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut waiting) };
    assert_eq!(told, 0);
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut len = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the call writes at most `len` bytes of the place that it is given.
    let told = unsafe {
        libc::getsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    assert_eq!(told, 0);
    // SAFETY: numbers only, and zero where the kernel has written nothing.
    let info = unsafe { info.assume_init() };
    // Nothing has come between the two calls if nobody sends meanwhile; else this is too much.
    let came = usize::try_from(info.tcpi_bytes_received).unwrap();
    came - usize::try_from(waiting).unwrap()
}
