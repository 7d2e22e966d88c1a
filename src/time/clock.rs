//! What time it is, for one loop.

use uring_sys_shim::sys;

use super::Instant;
use super::manual::ManualClock;

/// Where a loop reads its time.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// `CLOCK_MONOTONIC`, on which the kernel also counts the deadlines of a waiting loop.
    Real,
    /// A clock that stands still until told to move.
    Manual(ManualClock),
}

impl Clock {
    pub(crate) fn real() -> Self {
        Clock::Real
    }

    pub(crate) fn manual(clock: ManualClock) -> Self {
        Clock::Manual(clock)
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        match self {
            Clock::Real => monotonic(),
            Clock::Manual(clock) => clock.now(),
        }
    }
}

/// Reads `CLOCK_MONOTONIC`: through the vDSO, without a system call.
#[inline]
pub(super) fn monotonic() -> Instant {
    Instant::from_nanos(sys::monotonic())
}
