//! The tasks that are ready, in the order in which they became so.
//!
//! # Safety
//! A line owns one [`TaskRef`] to each task in it, and so every pointer in it leads to a live
//! header, on the loop's thread. A task is in one line at most: QUEUED says that it is. Plain
//! pointers, because a cell of a `TaskRef` looks at each write whether there is something to drop.
#![allow(unsafe_code, reason = "a list through the headers that owns what it links")]

use std::cell::Cell;
use std::ptr::NonNull;

use super::header::Header;
use super::task::TaskRef;

/// First in, first out, linked through the headers: a wake never allocates.
#[derive(Default)]
pub(super) struct Line {
    first: Cell<Option<NonNull<Header>>>,
    /// There if the first one is.
    last: Cell<Option<NonNull<Header>>>,
}

impl Line {
    #[inline]
    pub(super) fn push(&self, task: TaskRef) {
        // The line owns it.
        let task = task.into_raw();
        match self.last.replace(Some(task)) {
            // SAFETY: it is in the line.
            Some(before) => unsafe { before.as_ref() }.next_ready.set(Some(task)),
            None => self.first.set(Some(task)),
        }
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<TaskRef> {
        let task = self.first.get()?;
        // SAFETY: the line's own, which `push` gave it; the task leaves the line here.
        let task = unsafe { TaskRef::from_raw(task) };
        let next = task.header().next_ready.take();
        self.first.set(next);
        if next.is_none() {
            self.last.set(None);
        }
        Some(task)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    /// Takes all that are in it now.
    #[inline]
    pub(super) fn due(&self) -> Due<'_> {
        Due { next: self.first.take(), last: self.last.take(), line: self }
    }
}

/// Those that were in a line at one moment. Who is left when this is dropped goes back to its front.
pub(super) struct Due<'a> {
    next: Option<NonNull<Header>>,
    /// There if the next one is, and behind it.
    last: Option<NonNull<Header>>,
    line: &'a Line,
}

impl Due<'_> {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_none()
    }
}

impl Iterator for Due<'_> {
    type Item = TaskRef;

    #[inline]
    fn next(&mut self) -> Option<TaskRef> {
        // SAFETY: ours since it was taken from the line; the task leaves here.
        let task = unsafe { TaskRef::from_raw(self.next?) };
        self.next = task.header().next_ready.take();
        Some(task)
    }
}

impl Drop for Due<'_> {
    #[inline]
    fn drop(&mut self) {
        let (Some(_), Some(last)) = (self.next, self.last) else { return };
        // SAFETY: it is ours, the last of those that are left.
        unsafe { last.as_ref() }.next_ready.set(self.line.first.replace(self.next));
        if self.line.last.get().is_none() {
            self.line.last.set(Some(last));
        }
    }
}

/// A line that knows how long it is.
#[derive(Default)]
pub(super) struct RunQueue {
    line: Line,
    len: Cell<usize>,
}

impl RunQueue {
    #[inline]
    pub(super) fn push(&self, task: TaskRef) {
        self.line.push(task);
        self.len.set(self.len.get() + 1);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<TaskRef> {
        let task = self.line.pop()?;
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
