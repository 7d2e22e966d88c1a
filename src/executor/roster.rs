//! The tasks that have not finished, in the order of their spawn.
//!
//! # Safety
//! The roster owns one [`TaskRef`] to each task on it, and so every pointer in it leads to a live
//! header, on the loop's thread. `LISTED` in a task's state says that it is on it.
#![allow(unsafe_code, reason = "a list through the headers that owns what it links")]

use std::cell::Cell;
use std::iter::successors;
use std::ptr::NonNull;

use super::header::Header;
use super::state::State;
use super::task::TaskRef;

/// Linked through the headers: to come and to go takes a few stores, however many there are.
#[derive(Default)]
pub(super) struct Roster {
    first: Cell<Option<NonNull<Header>>>,
    last: Cell<Option<NonNull<Header>>>,
}

impl Roster {
    /// Takes a new task in, behind all others.
    #[inline]
    pub(super) fn list(&self, task: TaskRef) {
        task.set(State::LISTED);
        // The roster owns it.
        let task = task.into_raw();
        let before = self.last.replace(Some(task));
        // SAFETY: it is on the list from here on.
        unsafe { task.as_ref() }.listed_before.set(before);
        match before {
            // SAFETY: it is on the list.
            Some(before) => unsafe { before.as_ref() }.listed_behind.set(Some(task)),
            None => self.first.set(Some(task)),
        }
    }

    /// Takes a task off, and gives what the roster had of it.
    #[inline]
    pub(super) fn unlist(&self, task: &TaskRef) -> Option<TaskRef> {
        if !task.state().contains(State::LISTED) {
            return None;
        }
        task.clear(State::LISTED);
        let header = task.header();
        let (before, behind) = (header.listed_before.get(), header.listed_behind.take());
        match before {
            // SAFETY: it is on the list.
            Some(before) => unsafe { before.as_ref() }.listed_behind.set(behind),
            None => self.first.set(behind),
        }
        match behind {
            // SAFETY: it is on the list.
            Some(behind) => unsafe { behind.as_ref() }.listed_before.set(before),
            None => self.last.set(before),
        }
        // SAFETY: the reference that the list had.
        Some(unsafe { TaskRef::from_raw(task.as_ptr()) })
    }

    /// All of them, the eldest first. It ends early at one that is taken off meanwhile.
    pub(super) fn iter(&self) -> impl Iterator<Item = TaskRef> {
        // SAFETY: it is on the list, which keeps it.
        let acquire = |task: NonNull<Header>| unsafe { TaskRef::acquire(task) };
        let first = self.first.get().map(acquire);
        successors(first, move |task| task.header().listed_behind.get().map(acquire))
    }
}
