//! The tasks of a loop that have not finished.
//!
//! # Safety
//! The list owns one [`TaskRef`] to each task that is marked as listed, and so every pointer in it
//! leads to a live header, on the loop's thread.
#![allow(unsafe_code, reason = "a list through the headers, so that a task can leave it anywhere")]

use std::cell::Cell;
use std::mem::forget;
use std::ptr::NonNull;

use super::header::Header;
use super::task::TaskRef;

type Link = Cell<Option<NonNull<Header>>>;

/// A header's place in the list.
#[derive(Default)]
pub(super) struct Listing {
    older: Link,
    newer: Link,
    listed: Cell<bool>,
}

/// Doubly linked, newest first: a task comes and goes without a look at the others.
#[derive(Default)]
pub(super) struct Roster {
    newest: Link,
    len: Cell<usize>,
}

/// The listing of a task that the list owns.
#[inline]
fn listing<'a>(task: NonNull<Header>) -> &'a Listing {
    // SAFETY: the callers take the pointer out of the list, and use the listing before they take
    // anything off it.
    unsafe { &(*task.as_ptr()).listing }
}

impl Roster {
    #[inline]
    pub(super) fn add(&self, task: TaskRef) {
        let older = self.newest.replace(Some(task.as_ptr()));
        if let Some(older) = older {
            listing(older).newer.set(Some(task.as_ptr()));
        }
        task.header().listing.older.set(older);
        task.header().listing.listed.set(true);
        self.len.set(self.len.get() + 1);
        // The list owns it.
        forget(task);
    }

    /// Takes a task off, if it is listed, and gives what the list owned of it.
    #[inline]
    pub(super) fn remove(&self, task: &TaskRef) -> Option<TaskRef> {
        let own = &task.header().listing;
        if !own.listed.replace(false) {
            return None;
        }
        let (older, newer) = (own.older.get(), own.newer.get());
        if let Some(older) = older {
            listing(older).newer.set(newer);
        }
        match newer {
            Some(newer) => listing(newer).older.set(older),
            None => self.newest.set(older),
        }
        self.len.set(self.len.get() - 1);
        // SAFETY: that was the list's own, which `add` gave it.
        Some(unsafe { TaskRef::from_raw(task.as_ptr()) })
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    /// All tasks, newest first.
    pub(super) fn tasks(&self) -> Vec<TaskRef> {
        let mut tasks = Vec::with_capacity(self.len());
        let mut next = self.newest.get();
        while let Some(task) = next {
            next = listing(task).older.get();
            // SAFETY: the list owns one, on this thread.
            tasks.push(unsafe { TaskRef::acquire(task) });
        }
        tasks
    }
}
