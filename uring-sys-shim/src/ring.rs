//! [`Ring`]: all that a driver asks of a submission and completion queue pair.
//!
//! The trait is dispatched statically. [`KernelRing`](crate::KernelRing) implements it on the
//! kernel; a simulated kernel can implement it too, which is why SQEs can be read.
//!
//! # Safety
//! Two methods pass memory on to the kernel and are unsafe to call: nothing here knows how long
//! that memory lives.

use std::io;
use std::os::fd::RawFd;

use crate::{Caps, Cqe, Sqe};

/// The submission queue has no free entry: enter the kernel and push again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// How long [`Ring::enter`] may stay in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Submit only: no task work is run (io_uring_enter(2) without `IORING_ENTER_GETEVENTS`), so
    /// with `DEFER_TASKRUN` only operations that finish at once complete.
    Submit,
    /// Submit, run task work, flush an overflowed queue, and return without waiting.
    Poll,
    /// Submit, then wait for at least one completion.
    Forever,
    /// Submit, then wait for at least one completion or until `CLOCK_MONOTONIC` shows this many
    /// nanoseconds.
    Until(u64),
}

/// What the submission queue's flags say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqFlags {
    /// Completions wait in the kernel because the completion queue was full (`CQ_OVERFLOW`).
    pub overflow: bool,
    /// Completions wait for [`Wait::Poll`] or a longer wait to produce them (`TASKRUN`).
    pub taskrun: bool,
}

impl SqFlags {
    /// Whether the kernel holds completions back until it is entered.
    pub const fn hold_back(self) -> bool {
        self.taskrun || self.overflow
    }
}

/// A group of buffers that the kernel picks from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupId(pub u16);

/// A submission and completion queue pair, owned by one thread.
pub trait Ring {
    /// Queues an SQE. It reaches the kernel with the next [`enter`](Ring::enter).
    ///
    /// # Errors
    /// [`Full`] when the queue has no free entry; nothing was queued.
    ///
    /// # Safety
    /// Every address in `sqe` must stay valid, and exclusive where the kernel writes, until the
    /// final completion with its `user_data` was reaped; the descriptor must stay open until the
    /// SQE was submitted.
    unsafe fn push(&mut self, sqe: &Sqe) -> Result<(), Full>;

    /// How many queued SQEs the kernel has not taken yet.
    fn unsubmitted(&self) -> u32;

    /// Enters the kernel: submits what is queued and waits as told. Returns how many SQEs were
    /// taken. An expired [`Wait::Until`] is `Ok`. `EINTR` is `Ok(0)`: callers look at the queue
    /// and their deadline anyway.
    ///
    /// # Errors
    /// What io_uring_enter(2) says, e.g. `EBUSY` or `EAGAIN`, both of which mean: reap, then again.
    fn enter(&mut self, wait: Wait) -> io::Result<u32>;

    /// How many completions can be taken. Reads memory only.
    fn completions(&self) -> usize;

    /// Takes the oldest completion, whose place in the queue is free then.
    fn take(&mut self) -> Option<Cqe>;

    /// Takes every completion that is visible now, oldest first. Returns how many.
    fn reap(&mut self, each: &mut impl FnMut(Cqe)) -> usize {
        let visible = self.completions();
        // What comes while `each` runs is for the next call, so that this one ends.
        for _ in 0..visible {
            let Some(cqe) = self.take() else { break };
            each(cqe);
        }
        visible
    }

    /// Whether [`take`](Ring::take) would find something. Reads memory only.
    fn has_completions(&self) -> bool;

    /// The submission queue's flags. Reads memory only.
    fn flags(&self) -> SqFlags;

    /// Whether there are completions to take, or work of the kernel's that it does when entered.
    ///
    /// Only a full queue overflows, so that is news already; who has emptied it finds the flag that
    /// is left in [`flags`](Ring::flags).
    fn has_news(&self) -> bool {
        self.flags().taskrun || self.has_completions()
    }

    /// What this ring can do, after negotiation and `RINGIO_CAPS`.
    fn caps(&self) -> Caps;

    /// Nanoseconds of `CLOCK_MONOTONIC`, or of the simulator's clock.
    fn now(&self) -> u64;

    /// Whether the caller is the process that made the ring. In a forked child it is not, and
    /// nothing that is pushed there reaches the kernel.
    fn is_here(&self) -> bool;

    /// The ring's descriptor, as a target for `MSG_RING`.
    fn ring_fd(&self) -> RawFd;

    /// Registers a group of provided buffers with room for `entries` (a power of two, at most
    /// 32,768); `incremental` asks for `IOU_PBUF_RING_INC`.
    ///
    /// # Errors
    /// What io_uring_register(2) says: `EEXIST` for a group in use, `ENOMEM` beyond
    /// `RLIMIT_MEMLOCK`, `EINVAL` where the kernel lacks the flag.
    fn register_group(&mut self, group: GroupId, entries: u16, incremental: bool)
    -> io::Result<()>;

    /// Takes a group back. Operations that still select from it end with `ENOBUFS`.
    ///
    /// # Errors
    /// `EINVAL` for a group that does not exist.
    fn unregister_group(&mut self, group: GroupId) -> io::Result<()>;

    /// Appends a buffer to a group; the kernel sees it after [`publish`](Ring::publish).
    ///
    /// # Panics
    /// If the group is not registered or holds more buffers than its entries.
    ///
    /// # Safety
    /// `len` bytes at `address` belong to the kernel until a completion hands them out or the
    /// group is unregistered and the ring drained.
    unsafe fn provide(&mut self, group: GroupId, bid: u16, address: *mut u8, len: u32);

    /// Makes all appended buffers of a group visible to the kernel. No system call.
    fn publish(&mut self, group: GroupId);
}
