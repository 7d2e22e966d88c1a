//! Descriptors as such, and eventfd(2).
//!
//! # Safety
//! The calls take numbers, and pointers to locals that outlive them.
#![allow(unsafe_code, reason = "system calls")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{from_mut, from_ref};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::instead;

/// Closes a descriptor, for which the caller answers that nobody else uses it.
///
/// # Errors
/// What close(2) says. The descriptor is gone in any case, except for `EBADF`; `EINTR` is not
/// reported, since there is nothing to do again.
pub fn close(fd: RawFd) -> io::Result<()> {
    instead::close(fd).unwrap_or_else(|| close_real(fd))
}

/// [`close`], whoever answers for the descriptor.
pub(crate) fn close_real(fd: RawFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    match Errno::result(unsafe { libc::close(fd) }) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Makes an eventfd at 0, non-blocking and close-on-exec.
///
/// # Errors
/// `EMFILE` or `ENFILE` without a free descriptor, `ENOMEM`.
pub fn eventfd() -> io::Result<OwnedFd> {
    let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
    let event = OwnedFd::from(EventFd::from_flags(flags)?);
    instead::opened(event.as_raw_fd());
    Ok(event)
}

/// Adds to an eventfd, which wakes whoever polls it. Callable on any thread.
///
/// A counter that is full is as good as one that was raised: `EAGAIN` is not reported.
///
/// ```
/// use std::os::fd::AsRawFd;
/// use uring_sys_shim::sys;
///
/// let event = sys::eventfd()?;
/// sys::eventfd_write(event.as_raw_fd(), u64::MAX - 1)?;
/// sys::eventfd_write(event.as_raw_fd(), 1)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `EBADF` for a descriptor that is not open.
pub fn eventfd_write(fd: RawFd, count: u64) -> io::Result<()> {
    instead::eventfd_write(fd).unwrap_or_else(|| eventfd_write_real(fd, count))
}

/// [`eventfd_write`], whoever answers for the descriptor. For a signal handler, which may have
/// interrupted whoever that is.
pub(crate) fn eventfd_write_real(fd: RawFd, count: u64) -> io::Result<()> {
    // SAFETY: eight bytes of a local are read.
    let written = unsafe { libc::write(fd, from_ref(&count).cast(), size_of::<u64>()) };
    match Errno::result(written) {
        Ok(_) | Err(Errno::EAGAIN) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes what was added to a non-blocking eventfd; 0 if nothing was.
///
/// ```
/// use std::os::fd::AsRawFd;
/// use uring_sys_shim::sys;
///
/// let event = sys::eventfd()?;
/// sys::eventfd_write(event.as_raw_fd(), 3)?;
/// assert_eq!(sys::eventfd_read(event.as_raw_fd())?, 3);
/// assert_eq!(sys::eventfd_read(event.as_raw_fd())?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `EBADF` for a descriptor that is not open.
pub fn eventfd_read(fd: RawFd) -> io::Result<u64> {
    let mut count = 0_u64;
    // SAFETY: eight bytes of a local are written.
    let read = unsafe { libc::read(fd, from_mut(&mut count).cast(), size_of::<u64>()) };
    match Errno::result(read) {
        Ok(_) => Ok(count),
        Err(Errno::EAGAIN) => Ok(0),
        Err(errno) => Err(errno.into()),
    }
}

/// Another number for the same open file, close-on-exec.
///
/// # Errors
/// `EMFILE` without a free descriptor, `EBADF` for one that is not open.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no memory is involved.
    let copy = Errno::result(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })?;
    // SAFETY: the kernel just made this number for us.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;

    use super::*;

    #[test]
    fn closing_twice_is_an_error() {
        // A number so high that no other test's thread gets it in between.
        let fd = eventfd().unwrap().into_raw_fd();
        // SAFETY: duplicates to a number that nobody uses.
        let high = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 900) };
        assert!(high >= 900);
        close(fd).unwrap();
        close(high).unwrap();
        assert_eq!(close(high).unwrap_err().raw_os_error(), Some(libc::EBADF));
        assert_eq!(eventfd_write(high, 1).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
}
