//! The tasks that are ready, in the order in which they became so.
//!
//! # Safety
//! The queue owns one [`TaskRef`] to each task in it, and so every pointer in it leads to a live
//! header, on the loop's thread. Plain pointers, because a cell of a `TaskRef` looks at each write
//! whether there is something to drop.
#![allow(unsafe_code, reason = "a list through the headers that owns what it links")]

use std::cell::Cell;
use std::ptr::NonNull;

use super::header::Header;
use super::task::TaskRef;

/// First in, first out, linked through the headers: a wake never allocates.
#[derive(Default)]
pub(super) struct RunQueue {
    first: Cell<Option<NonNull<Header>>>,
    last: Cell<Option<NonNull<Header>>>,
    len: Cell<usize>,
}

impl RunQueue {
    #[inline]
    pub(super) fn push(&self, task: TaskRef) {
        // The queue owns it.
        let task = task.into_raw();
        match self.last.replace(Some(task)) {
            // SAFETY: it is in the queue.
            Some(before) => unsafe { before.as_ref() }.next_ready.set(Some(task)),
            None => self.first.set(Some(task)),
        }
        self.len.set(self.len.get() + 1);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<TaskRef> {
        let task = self.first.get()?;
        // SAFETY: the queue's own, which `push` gave it; the task leaves the queue here.
        let task = unsafe { TaskRef::from_raw(task) };
        let next = task.header().next_ready.take();
        self.first.set(next);
        if next.is_none() {
            self.last.set(None);
        }
        self.len.set(self.len.get() - 1);
        Some(task)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
