//! [`KernelRing`]: the [`Ring`] that is the kernel's.
//!
//! # Safety
//! The queues are the io-uring crate's, used on one thread only, that of the ring's maker: the type
//! is neither `Send` nor `Sync`. A forked child has no mapping where the queues and buffer rings
//! were (`MADV_DONTFORK`), so everything that reads or writes them asks `owner` first.
#![allow(unsafe_code, reason = "an Sqe's words become the crate's Entry; queues are shared")]

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, transmute};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use io_uring::types::IOU_PBUF_RING_INC;
use io_uring::{CompletionStatus, IoUring, squeue};

use crate::buf_ring::BufRing;
use crate::caps::Caps;
use crate::cqe::Cqe;
use crate::owner::Owner;
use crate::probe;
use crate::ring::{Full, GroupId, Ring, SqFlags, Wait};
use crate::setup::Setup;
use crate::sqe::Sqe;
use crate::sys;

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// An io_uring instance of the kernel, for the thread that makes it.
///
/// It counts a group's buffers from one [`publish`](Ring::publish) to the next; how many the kernel
/// still holds from before is for its user to know.
///
/// Dropping it neither cancels nor awaits what is in flight. In a forked child it is dead: `push`
/// says [`Full`], `enter` fails, `reap` finds nothing, and dropping it closes the child's copy of
/// the descriptor and no more.
///
/// It stays on its thread:
///
/// ```compile_fail,E0277
/// fn sent<T: Send>() {}
/// sent::<uring_sys_shim::KernelRing>();
/// ```
pub struct KernelRing {
    ring: ManuallyDrop<IoUring>,
    status: CompletionStatus,
    groups: Vec<(GroupId, ManuallyDrop<BufRing>)>,
    caps: Caps,
    owner: Owner,
    /// The kernel binds the ring to the thread that made it.
    this_thread: PhantomData<*mut ()>,
}

impl KernelRing {
    /// Makes a ring with all that the kernel has and `RINGIO_CAPS` allows.
    ///
    /// Where memory is short the ring becomes smaller than asked for, rather than fail.
    ///
    /// # Errors
    /// `InvalidInput` for a value of `RINGIO_CAPS` that names no tier; otherwise the kernel's
    /// refusal as a [`SetupError`](crate::SetupError), which says what to change: of kind
    /// `PermissionDenied`, `Unsupported`, `OutOfMemory` (locked memory) or `QuotaExceeded`
    /// (descriptors).
    pub fn new(setup: &Setup) -> io::Result<KernelRing> {
        let allowed = Caps::allowed()?;
        let mut ring = KernelRing::unprobed(setup, allowed)?;
        ring.caps = (ring.caps | probe::abilities()) & allowed;
        Ok(ring)
    }

    /// A ring that knows only what its set-up told.
    pub(crate) fn unprobed(setup: &Setup, allowed: Caps) -> io::Result<KernelRing> {
        let owner = Owner::here()?;
        let (mut ring, mut caps) = setup.negotiate(allowed)?;
        let features = ring.params();
        caps.set(Caps::BUNDLE, features.is_feature_recvsend_bundle());
        caps.set(Caps::MIN_WAIT, features.is_feature_min_timeout());
        caps.set(Caps::NO_IOWAIT, features.is_feature_no_iowait());
        // No bit of their own, but they came with the same releases: 6.10 and 6.12.
        caps.set(Caps::ACCEPT_DONTWAIT, features.is_feature_recvsend_bundle());
        caps.set(Caps::ABS_TIMER, features.is_feature_min_timeout());
        // SAFETY: the pointers in it are used only while `ring` lives, beside which it stands.
        let status = unsafe { ring.completion().status() };
        Ok(KernelRing {
            ring: ManuallyDrop::new(ring),
            status,
            groups: Vec::new(),
            caps: caps & allowed,
            owner,
            this_thread: PhantomData,
        })
    }

    /// How many places the submission queue has, which may be fewer than asked for.
    pub fn entries(&self) -> u32 {
        self.ring.params().sq_entries()
    }

    /// How many places the completion queue has.
    pub fn cq_entries(&self) -> u32 {
        self.ring.params().cq_entries()
    }

    pub(crate) fn uring(&self) -> &IoUring {
        &self.ring
    }

    #[inline]
    fn submission(&self) -> squeue::SubmissionQueue<'_> {
        // SAFETY: the ring is on one thread, and no other view of the queue lives while this
        // method's callers use theirs.
        unsafe { self.ring.submission_shared() }
    }

    #[inline]
    fn group(&mut self, group: GroupId) -> &mut BufRing {
        let found = self.groups.iter_mut().find(|(id, _)| *id == group);
        &mut found.expect("the group is not registered").1
    }
}

impl Ring for KernelRing {
    #[inline]
    unsafe fn push(&mut self, sqe: &Sqe) -> Result<(), Full> {
        if !self.owner.is_here() {
            return Err(Full);
        }
        // SAFETY: the words of the kernel's `struct io_uring_sqe`, which an entry is (its size is
        // asserted beside Sqe), and which is made of integers.
        let entry = unsafe { transmute::<[u64; 8], squeue::Entry>(sqe.words()) };
        // SAFETY: the caller vouches for what the SQE refers to.
        unsafe { self.ring.submission().push(&entry) }.map_err(|_| Full)
    }

    #[inline]
    fn unsubmitted(&self) -> u32 {
        match self.owner.is_here() {
            true => self.submission().len() as u32,
            false => 0,
        }
    }

    fn enter(&mut self, wait: Wait) -> io::Result<u32> {
        if !self.owner.is_here() {
            return Err(io::Error::other("the ring belongs to the process that forked this one"));
        }
        self.enter_kernel(wait)
    }

    #[inline]
    fn completions(&self) -> usize {
        if !self.owner.is_here() {
            return 0;
        }
        // SAFETY: the ring is on one thread, and no other view of the queue lives meanwhile.
        unsafe { self.ring.completion_shared() }.len()
    }

    #[inline]
    fn take(&mut self) -> Option<Cqe> {
        if !self.owner.is_here() {
            return None;
        }
        // The queue's view ends with the statement, which frees the place.
        let entry = self.ring.completion().next()?;
        Some(Cqe { user_data: entry.user_data(), res: entry.result(), flags: entry.flags() })
    }

    #[inline]
    fn has_completions(&self) -> bool {
        self.owner.is_here() && !self.status.is_empty()
    }

    #[inline]
    fn flags(&self) -> SqFlags {
        if !self.owner.is_here() {
            return SqFlags::default();
        }
        // As in `has_news`.
        let queue = ManuallyDrop::new(self.submission());
        SqFlags { overflow: queue.cq_overflow(), taskrun: queue.taskrun() }
    }

    #[inline]
    fn has_news(&self) -> bool {
        if !self.owner.is_here() {
            return false;
        }
        // Nothing was pushed that its end would have to publish.
        let queue = ManuallyDrop::new(self.submission());
        queue.taskrun() || !self.status.is_empty()
    }

    fn caps(&self) -> Caps {
        self.caps
    }

    #[inline]
    fn now(&self) -> u64 {
        sys::monotonic()
    }

    #[inline]
    fn is_here(&self) -> bool {
        self.owner.is_here()
    }

    fn ring_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }

    fn register_group(
        &mut self,
        group: GroupId,
        entries: u16,
        incremental: bool,
    ) -> io::Result<()> {
        let memory = ManuallyDrop::new(BufRing::new(entries)?);
        let flags = if incremental { IOU_PBUF_RING_INC as u16 } else { 0 };
        let (address, submitter) = (memory.address(), self.ring.submitter());
        // SAFETY: `entries` places are mapped at the address, and stay so until the group is
        // unregistered or the ring is gone.
        let registered =
            unsafe { submitter.register_buf_ring_with_flags(address, entries, group.0, flags) };
        if let Err(error) = registered {
            drop(ManuallyDrop::into_inner(memory));
            return Err(error);
        }
        self.groups.push((group, memory));
        Ok(())
    }

    fn unregister_group(&mut self, group: GroupId) -> io::Result<()> {
        let place = self.groups.iter().position(|(id, _)| *id == group);
        let place = place.ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
        self.ring.submitter().unregister_buf_ring(group.0)?;
        drop(ManuallyDrop::into_inner(self.groups.swap_remove(place).1));
        Ok(())
    }

    #[inline]
    unsafe fn provide(&mut self, group: GroupId, bid: u16, address: *mut u8, len: u32) {
        if self.owner.is_here() {
            self.group(group).provide(bid, address, len);
        }
    }

    #[inline]
    fn publish(&mut self, group: GroupId) {
        if self.owner.is_here() {
            self.group(group).publish();
        }
    }
}

impl Drop for KernelRing {
    fn drop(&mut self) {
        if !self.owner.is_here() {
            // The maps are the parent's: in a child other memory may lie at their addresses.
            // SAFETY: the crate's owner of the descriptor is leaked, so this closes it once.
            drop(unsafe { OwnedFd::from_raw_fd(self.ring.as_raw_fd()) });
            return;
        }
        // SAFETY: dropped once, here, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.ring) };
        for (_, memory) in self.groups.drain(..) {
            drop(ManuallyDrop::into_inner(memory));
        }
    }
}

impl fmt::Debug for KernelRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<GroupId> = self.groups.iter().map(|(id, _)| *id).collect();
        f.debug_struct("KernelRing")
            .field("fd", &self.ring_fd())
            .field("entries", &self.entries())
            .field("cq_entries", &self.cq_entries())
            .field("caps", &self.caps)
            .field("groups", &groups)
            .finish()
    }
}
