//! The tasks that have not finished, in the order of their spawn.
//!
//! # Safety
//! A list owns one [`TaskRef`] to each task on it, and so every pointer in it leads to a live
//! header, on the loop's thread. A task is on one list at most: a child on its family's, any other on
//! the roster, where `LISTED` in its state says that it is.
#![allow(unsafe_code, reason = "a list through the headers that owns what it links")]

use std::cell::Cell;
use std::iter::successors;
use std::ptr::NonNull;

use super::header::Header;
use super::state::State;
use super::task::TaskRef;

/// Linked through the headers: to come and to go takes a few stores, however many there are.
#[derive(Default)]
pub(super) struct List {
    first: Cell<Option<NonNull<Header>>>,
    last: Cell<Option<NonNull<Header>>>,
}

impl List {
    /// Takes a task in that is on no list, behind all others.
    #[inline]
    pub(super) fn push(&self, task: TaskRef) {
        // The list owns it.
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

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    /// Takes the first one off.
    #[inline]
    pub(super) fn pop(&self) -> Option<TaskRef> {
        // SAFETY: the reference that the list had; the task leaves here.
        let task = unsafe { TaskRef::from_raw(self.first.get()?) };
        let behind = task.header().listed_behind.take();
        self.first.set(behind);
        match behind {
            // SAFETY: it is on the list.
            Some(behind) => unsafe { behind.as_ref() }.listed_before.set(None),
            None => self.last.set(None),
        }
        Some(task)
    }

    /// Takes a task off, and gives what the list had of it.
    ///
    /// # Safety
    /// It is on this list.
    #[inline]
    pub(super) unsafe fn remove(&self, task: &TaskRef) -> TaskRef {
        let header = task.header();
        let (before, behind) = (header.listed_before.get(), header.listed_behind.take());
        debug_assert!(
            before.is_some() || self.first.get() == Some(task.as_ptr()),
            "not on the list"
        );
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
        unsafe { TaskRef::from_raw(task.as_ptr()) }
    }

    /// All of them, the eldest first. It ends early at one that is taken off meanwhile.
    pub(super) fn iter(&self) -> impl Iterator<Item = TaskRef> {
        // SAFETY: it is on the list, which keeps it.
        let acquire = |task: NonNull<Header>| unsafe { TaskRef::acquire(task) };
        let first = self.first.get().map(acquire);
        successors(first, move |task| task.header().listed_behind.get().map(acquire))
    }
}

/// The tasks of a loop that are nobody's children.
#[derive(Default)]
pub(super) struct Roster {
    list: List,
}

impl Roster {
    /// Takes a new task in, behind all others.
    #[inline]
    pub(super) fn list(&self, task: TaskRef) {
        task.set(State::LISTED);
        self.list.push(task);
    }

    /// Takes a task off, and gives what the roster had of it.
    #[inline]
    pub(super) fn unlist(&self, task: &TaskRef) -> Option<TaskRef> {
        if !task.state().contains(State::LISTED) {
            return None;
        }
        task.clear(State::LISTED);
        // SAFETY: LISTED says so, for its loop's roster, and nobody asks another's.
        Some(unsafe { self.list.remove(task) })
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, the eldest first. It ends early at one that is taken off meanwhile.
    pub(super) fn iter(&self) -> impl Iterator<Item = TaskRef> {
        self.list.iter()
    }
}
