//! The waker of a task: valid on any thread, at any time, also after the loop's end.
//!
//! # Safety
//! A waker's data is a pointer to the header with one counted reference, except for the one that
//! a poll borrows from the `TaskRef` that is running. On the loop's own thread, which it knows by
//! comparing the header's block with the thread's current one, it may use the loop's side of the
//! header: a block is current only on its loop's thread, and the header keeps it, so no other
//! block can have its address.
#![allow(unsafe_code, reason = "a raw waker, and the choice of the header's sides")]

use std::mem::{ManuallyDrop, forget};
use std::process::abort;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::current;
use super::header::{Header, release_one};
use super::remote::Entry;
use super::shared::{Open, SharedRef};
use super::task::TaskRef;
use crate::util::sync::Ordering;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// The waker that a poll of the task gets; it counts nothing, for the task outlives its poll.
#[inline]
pub(super) fn borrowed(task: &TaskRef) -> ManuallyDrop<Waker> {
    let data = task.as_ptr().as_ptr().cast_const().cast();
    // SAFETY: the functions of the vtable take such a pointer; whoever keeps the waker beyond the
    // life of `task` must clone it first, because it is never dropped and only lent.
    ManuallyDrop::new(unsafe { Waker::new(data, &VTABLE) })
}

/// # Safety
/// `data` is what [`borrowed`] or [`clone`] put into a waker that is alive.
#[inline]
unsafe fn peek(data: *const ()) -> ManuallyDrop<WakerRef> {
    let header = data.cast_mut().cast();
    // SAFETY: it is never null.
    ManuallyDrop::new(WakerRef(unsafe { NonNull::new_unchecked(header) }))
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: a live waker's data.
    let task = unsafe { peek(data) };
    forget(WakerRef::clone(&task));
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: a live waker's data, whose reference is ours now.
    let task = ManuallyDrop::into_inner(unsafe { peek(data) });
    if !task.is_home() {
        return wake_once(task);
    }
    match task.at_home() {
        None => task.put_back(),
        Some(queued) => {
            task.hand_over();
            queued.enqueue();
        }
    }
}

#[cold]
fn wake_once(task: WakerRef) {
    task.wake_from_afar();
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: a live waker's data.
    let task = unsafe { peek(data) };
    task.wake();
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: a live waker's data, whose reference is ours now.
    drop(ManuallyDrop::into_inner(unsafe { peek(data) }));
}

/// One counted reference to a task, for any thread: what a waker and an inbox entry are.
pub(super) struct WakerRef(NonNull<Header>);

impl WakerRef {
    pub(super) fn into_raw(self) -> NonNull<Header> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    /// The pointer came from [`into_raw`](WakerRef::into_raw), and this undoes it.
    pub(super) unsafe fn from_raw(header: NonNull<Header>) -> WakerRef {
        WakerRef(header)
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: our reference keeps it. Fields of the loop's side are touched only where
        // `is_home` has said so.
        unsafe { self.0.as_ref() }
    }

    /// Whether this is the loop's thread, so that all of the header may be used.
    #[inline]
    fn is_home(&self) -> bool {
        current::is_home(self.header().shared)
    }

    #[inline]
    fn wake(&self) {
        if self.is_home() { self.wake_at_home() } else { self.wake_from_afar() }
    }

    /// The caller has asked `is_home`.
    #[inline]
    pub(super) fn wake_at_home(&self) {
        if let Some(task) = self.at_home() {
            task.enqueue();
        }
    }

    /// The task, if it is to be queued. The caller has asked `is_home`.
    #[inline]
    fn at_home(&self) -> Option<TaskRef> {
        // SAFETY: at home; a task that is not over is in the roster or on its family's list,
        // either of which has a `TaskRef`.
        self.header().state.get().wants_queue().then(|| unsafe { TaskRef::acquire(self.0) })
    }

    #[cold]
    fn wake_from_afar(&self) {
        let header = self.header();
        // Release: what the waking thread did is seen by the poll that follows, also when
        // another wake has put the task into the inbox before: the loop's own exchange reads
        // from this one, or from one that follows it. Acquire: the link is ours only after the
        // loop has done with it.
        if header.node.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        // The entry has a reference of its own. Ours must outlast the doorbell, for it keeps the
        // block: as soon as the entry is pushed the loop may take it, and end.
        let Ok(first) = self.open().inbox.push(Entry::Task(self.clone())) else {
            return;
        };
        if first {
            self.open().doorbell.wake_by_ref();
        }
    }

    /// The loop has taken this out of its inbox.
    pub(super) fn arrive(self) {
        // Acquire and release: see `wake_from_afar`.
        self.header().node.queued.swap(false, Ordering::AcqRel);
        self.wake_at_home();
    }

    /// Gives the reference to those that the loop's thread holds, if it has any left: it has while
    /// there is a `TaskRef`. The caller is on it.
    #[inline]
    fn put_back(self) {
        if self.header().held.get() > 0 {
            self.hand_over();
        }
    }

    /// As [`put_back`](WakerRef::put_back), while there is a `TaskRef`.
    #[inline]
    fn hand_over(self) {
        let held = &self.header().held;
        debug_assert!(held.get() > 0, "there is no `TaskRef`");
        held.set(held.get() + 1);
        forget(self);
    }

    fn open(&self) -> &Open {
        // SAFETY: the header has a reference to the block, and we have one to the header.
        unsafe { SharedRef::peek(&self.header().shared) }
    }
}

impl Clone for WakerRef {
    #[inline]
    fn clone(&self) -> Self {
        let header = self.header();
        if self.is_home() && header.held.get() > 1 {
            // One of those that the loop's thread holds changes hands.
            header.held.set(header.held.get() - 1);
        } else if header.references.fetch_add(1, Ordering::Relaxed) > i32::MAX as u32 {
            // Only leaked wakers can get there; as in `Arc`.
            abort();
        }
        WakerRef(self.0)
    }
}

impl Drop for WakerRef {
    #[inline]
    fn drop(&mut self) {
        if self.is_home() && self.header().held.get() > 0 {
            let held = &self.header().held;
            held.set(held.get() + 1);
        } else {
            // SAFETY: it is ours.
            unsafe { release_one(self.0) };
        }
    }
}
