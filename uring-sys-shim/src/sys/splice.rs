//! splice(2), and what it needs: pipes, and sockets that do not block.
//!
//! # Safety
//! The calls take numbers, null pointers, and pointers to locals that outlive them.
#![allow(unsafe_code, reason = "system calls")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{from_mut, null_mut};

use nix::errno::Errno;

use super::instead;

/// A pipe: its reading end, its writing end, and how many bytes it holds.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
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
/// It is made with a capacity of `capacity` bytes, or with the system's where the process may not
/// have that much; both ends are close-on-exec.
///
/// # Errors
/// `EMFILE` or `ENFILE` without free descriptors. A simulated kernel has no pipes: `ENOSYS`.
pub fn pipe(capacity: u32) -> io::Result<(OwnedFd, OwnedFd, usize)> {
    if let Some(refused) = instead::pipe() {
        return Err(refused);
    }
    let mut ends = [-1; 2];
    // SAFETY: two numbers of a local are written.
    Errno::result(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: the kernel just made these numbers for us.
    let [read, write] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let wanted = libc::c_int::try_from(capacity).unwrap_or(libc::c_int::MAX);
    // SAFETY: no memory is involved.
    let set = unsafe { libc::fcntl(write.as_raw_fd(), libc::F_SETPIPE_SZ, wanted) };
    // SAFETY: no memory is involved.
    let room =
        if set > 0 { set } else { unsafe { libc::fcntl(read.as_raw_fd(), libc::F_GETPIPE_SZ) } };
    Ok((read, write, Errno::result(room)? as usize))
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
