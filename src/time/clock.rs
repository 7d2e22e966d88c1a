//! What time it is, for one loop.

use nix::time::{ClockId, clock_gettime};

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
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has CLOCK_MONOTONIC");
    // Both fields are positive: the clock starts at boot.
    Instant::from_nanos(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}
