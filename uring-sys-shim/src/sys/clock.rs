//! The clock that the kernel counts a ring's deadlines on.

use nix::time::{ClockId, clock_gettime};

use super::instead;

/// Nanoseconds of `CLOCK_MONOTONIC`, through the vDSO and without a system call.
///
/// ```
/// use uring_sys_shim::sys::monotonic;
///
/// let earlier = monotonic();
/// assert!(monotonic() >= earlier);
/// ```
///
/// # Panics
/// Never: the clock exists on every Linux.
#[inline]
pub fn monotonic() -> u64 {
    if let Some(now) = instead::monotonic() {
        return now;
    }
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has CLOCK_MONOTONIC");
    // Both fields are positive: the clock starts at boot.
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}
