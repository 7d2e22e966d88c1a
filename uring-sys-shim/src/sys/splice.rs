//! splice(2), and what it needs: pipes, and sockets that do not block.
//!
//! # Safety
//! The calls take numbers, null pointers, and pointers to locals that outlive them.
#![allow(unsafe_code, reason = "system calls")]

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::ptr::{from_mut, null_mut};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use super::instead;

/// A pipe: its reading end, its writing end, and how many bytes it holds. That is `capacity`, or the
/// system's default where the process may not have so much. Both ends are close-on-exec.
///
/// ```
/// use std::os::fd::AsRawFd;
/// use uring_sys_shim::sys;
///
/// let (read, write, room) = sys::pipe(1 << 20)?;
/// assert!(room > 0);
/// // A new pipe is empty.
/// let (end, null) = (read.as_raw_fd(), std::fs::File::options().write(true).open("/dev/null")?);
/// let empty = sys::splice(end, null.as_raw_fd(), room).unwrap_err();
/// assert_eq!(empty.kind(), std::io::ErrorKind::WouldBlock);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `EMFILE` or `ENFILE` without free descriptors. A simulated kernel has no pipes: `ENOSYS`.
pub fn pipe(capacity: u32) -> io::Result<(OwnedFd, OwnedFd, usize)> {
    if let Some(refused) = instead::pipe() {
        return Err(refused);
    }
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    let wanted = libc::c_int::try_from(capacity).unwrap_or(libc::c_int::MAX);
    let room = fcntl(&write, FcntlArg::F_SETPIPE_SZ(wanted))
        .or_else(|_| fcntl(&write, FcntlArg::F_GETPIPE_SZ))?;
    Ok((read, write, room as usize))
}

/// Moves up to `len` bytes between a pipe and something else; says how many, and 0 at the end. It
/// does not wait for the pipe, but does for a socket that is not [non-blocking](set_nonblocking).
///
/// Into a socket that is gone it raises `SIGPIPE`.
///
/// # Errors
/// What splice(2) says: `EAGAIN` if it would wait, and whatever the socket has to say.
pub fn splice(from: RawFd, to: RawFd, len: usize) -> io::Result<usize> {
    let flags = libc::SPLICE_F_NONBLOCK | libc::SPLICE_F_MOVE;
    // SAFETY: the offsets are null: neither a pipe nor a socket has one.
    let moved = unsafe { libc::splice(from, null_mut(), to, null_mut(), len, flags) };
    Ok(Errno::result(moved)? as usize)
}

/// Sets or clears `O_NONBLOCK` of an open file, for all who share it.
///
/// # Errors
/// `EBADF` for a descriptor that is not open.
pub fn set_nonblocking(fd: RawFd, nonblocking: bool) -> io::Result<()> {
    let mut on = libc::c_int::from(nonblocking);
    // SAFETY: one number of a local is read.
    Errno::result(unsafe { libc::ioctl(fd, libc::FIONBIO, from_mut(&mut on)) })?;
    Ok(())
}
