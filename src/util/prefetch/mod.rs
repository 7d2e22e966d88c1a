//! Asking for memory that will be needed soon.

#[cfg(not(target_arch = "x86_64"))]
mod none;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86_64"))]
use none::line;
#[cfg(target_arch = "x86_64")]
use x86_64::line;

/// Bytes that one request brings near.
const LINE: usize = 64;

/// Has the cache fetch what is at an address and behind it. The address may be anything: nothing is
/// read, and one that is not mapped is ignored.
#[inline]
pub(crate) fn prefetch(address: *const (), bytes: usize) {
    for offset in (0..bytes).step_by(LINE) {
        line(address.wrapping_byte_add(offset));
    }
}
