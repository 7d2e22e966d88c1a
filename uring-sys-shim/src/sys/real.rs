//! Without the feature `sim` nobody answers in the kernel's place.

use std::io;
use std::os::fd::RawFd;

use super::Address;

#[inline(always)]
pub(super) fn monotonic() -> Option<u64> {
    None
}

#[inline(always)]
pub(super) fn opened(_eventfd: RawFd) {}

#[inline(always)]
pub(super) fn eventfd_write(_fd: RawFd) -> Option<io::Result<()>> {
    None
}

#[inline(always)]
pub(super) fn close(_fd: RawFd) -> Option<io::Result<()>> {
    None
}

#[inline(always)]
pub(super) fn bind(_fd: RawFd, _address: &Address) -> Option<io::Result<()>> {
    None
}

#[inline(always)]
pub(super) fn listen(_fd: RawFd, _backlog: i32) -> Option<io::Result<()>> {
    None
}

#[inline(always)]
pub(super) fn getsockname(_fd: RawFd) -> Option<io::Result<Address>> {
    None
}

#[inline(always)]
pub(super) fn getpeername(_fd: RawFd) -> Option<io::Result<Address>> {
    None
}

#[inline(always)]
pub(super) fn setsockopt(_fd: RawFd, _option: (i32, i32), _value: &[u8]) -> Option<io::Result<()>> {
    None
}

#[inline(always)]
pub(super) fn pipe() -> Option<io::Error> {
    None
}
