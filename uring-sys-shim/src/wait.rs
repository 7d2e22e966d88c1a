//! How [`KernelRing`] enters the kernel.
//!
//! The io-uring crate's `submit` adds `IORING_ENTER_GETEVENTS` by itself, hence the raw call.
//!
//! # Safety
//! What was pushed was vouched for by whoever pushed it; an argument outlives its call and has the
//! layout that the flags beside it promise.
#![allow(unsafe_code, reason = "io_uring_enter(2) with raw flags")]

use std::io;

use io_uring::EnterFlags;
use io_uring::types::{SubmitArgs, Timespec};

use crate::caps::Caps;
use crate::kernel::{KernelRing, NANOS_PER_SECOND};
use crate::ring::{Ring, Wait};

impl KernelRing {
    /// [`Ring::enter`] in the process that owns the ring.
    pub(crate) fn enter_kernel(&self, wait: Wait) -> io::Result<u32> {
        match wait {
            Wait::Submit if self.unsubmitted() == 0 => Ok(0),
            Wait::Submit => self.enter_raw(0, EnterFlags::empty()),
            Wait::Poll => self.enter_raw(0, EnterFlags::GETEVENTS),
            Wait::Forever => self.enter_raw(1, EnterFlags::GETEVENTS | self.no_iowait()),
            Wait::Until(deadline) => self.enter_until(deadline),
        }
    }

    /// Waits for `min_complete` completions, without a limit.
    fn enter_raw(&self, min_complete: u32, flags: EnterFlags) -> io::Result<u32> {
        let submitter = self.uring().submitter();
        // SAFETY: no argument is passed, and whoever pushed the SQEs vouched for them.
        let entered = unsafe {
            submitter.enter::<libc::sigset_t>(self.unsubmitted(), min_complete, flags.bits(), None)
        };
        taken(entered)
    }

    /// Waits for one completion or until the clock shows `deadline`.
    fn enter_until(&self, deadline: u64) -> io::Result<u32> {
        let now = self.now();
        if deadline <= now {
            // A wait of no time at all would still arm a timer, for 18 µs instead of 0.2.
            return self.enter_raw(0, EnterFlags::GETEVENTS);
        }
        let mut flags = EnterFlags::GETEVENTS | EnterFlags::EXT_ARG | self.no_iowait();
        let mut until = deadline - now;
        if self.caps().contains(Caps::ABS_TIMER) {
            flags |= EnterFlags::ABS_TIMER;
            until = deadline;
        }
        let until =
            Timespec::new().sec(until / NANOS_PER_SECOND).nsec((until % NANOS_PER_SECOND) as u32);
        let argument = SubmitArgs::new().timespec(&until);
        let submitter = self.uring().submitter();
        // SAFETY: the argument is a `struct io_uring_getevents_arg`, as EXT_ARG says; it and the
        // timespec live until the call returns, and whoever pushed the SQEs vouched for them.
        let entered =
            unsafe { submitter.enter(self.unsubmitted(), 1, flags.bits(), Some(&argument)) };
        taken(entered)
    }

    fn no_iowait(&self) -> EnterFlags {
        match self.caps().contains(Caps::NO_IOWAIT) {
            true => EnterFlags::NO_IOWAIT,
            false => EnterFlags::empty(),
        }
    }
}

/// `EINTR` and an expired wait are no failures: callers look at queue and clock anyway.
fn taken(entered: io::Result<usize>) -> io::Result<u32> {
    match entered {
        Ok(count) => Ok(count as u32),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINTR | libc::ETIME)) => Ok(0),
        Err(error) => Err(error),
    }
}
