//! [`ActiveRing`]: the kernel's ring, or the simulated one where a simulated kernel is installed.
//!
//! # Safety
//! Each method passes its arguments, and with them the caller's word, on to the ring that it is.
#![allow(unsafe_code, reason = "passes unsafe methods on")]

use std::io;
use std::os::fd::RawFd;

use crate::kernel::KernelRing;
use crate::sim::{Machine, SimRing};
use crate::{Caps, Cqe, Full, GroupId, Ring, Setup, SqFlags, Sqe, Wait};

/// The ring that loops run on. Without the feature `sim` it is [`KernelRing`] itself.
#[derive(Debug)]
pub enum ActiveRing {
    /// On the machine's kernel.
    Kernel(KernelRing),
    /// On the simulated kernel that is installed on this thread.
    Simulated(SimRing),
}

impl ActiveRing {
    /// Makes a ring on the simulated kernel of this thread, or else on the machine's.
    ///
    /// # Errors
    /// As for [`KernelRing::new`].
    pub fn new(setup: &Setup) -> io::Result<ActiveRing> {
        match Machine::current() {
            Some(machine) => machine.ring(setup).map(ActiveRing::Simulated),
            None => KernelRing::new(setup).map(ActiveRing::Kernel),
        }
    }
}

macro_rules! on_either {
    ($self:expr, $ring:ident => $call:expr) => {
        match $self {
            ActiveRing::Kernel($ring) => $call,
            ActiveRing::Simulated($ring) => $call,
        }
    };
}

impl Ring for ActiveRing {
    #[inline]
    unsafe fn push(&mut self, sqe: &Sqe) -> Result<(), Full> {
        // SAFETY: passed on to the caller.
        on_either!(self, ring => unsafe { ring.push(sqe) })
    }

    #[inline]
    fn unsubmitted(&self) -> u32 {
        on_either!(self, ring => ring.unsubmitted())
    }

    fn enter(&mut self, wait: Wait) -> io::Result<u32> {
        on_either!(self, ring => ring.enter(wait))
    }

    #[inline]
    fn completions(&self) -> usize {
        on_either!(self, ring => ring.completions())
    }

    #[inline]
    fn take(&mut self) -> Option<Cqe> {
        on_either!(self, ring => ring.take())
    }

    #[inline]
    fn has_completions(&self) -> bool {
        on_either!(self, ring => ring.has_completions())
    }

    #[inline]
    fn flags(&self) -> SqFlags {
        on_either!(self, ring => ring.flags())
    }

    #[inline]
    fn has_news(&self) -> bool {
        on_either!(self, ring => ring.has_news())
    }

    fn caps(&self) -> Caps {
        on_either!(self, ring => ring.caps())
    }

    #[inline]
    fn now(&self) -> u64 {
        on_either!(self, ring => ring.now())
    }

    #[inline]
    fn is_here(&self) -> bool {
        on_either!(self, ring => ring.is_here())
    }

    fn ring_fd(&self) -> RawFd {
        on_either!(self, ring => ring.ring_fd())
    }

    fn register_group(
        &mut self,
        group: GroupId,
        entries: u16,
        incremental: bool,
    ) -> io::Result<()> {
        on_either!(self, ring => ring.register_group(group, entries, incremental))
    }

    fn unregister_group(&mut self, group: GroupId) -> io::Result<()> {
        on_either!(self, ring => ring.unregister_group(group))
    }

    #[inline]
    unsafe fn provide(&mut self, group: GroupId, bid: u16, address: *mut u8, len: u32) {
        // SAFETY: passed on to the caller.
        on_either!(self, ring => unsafe { ring.provide(group, bid, address, len) });
    }

    #[inline]
    fn publish(&mut self, group: GroupId) {
        on_either!(self, ring => ring.publish(group));
    }
}
