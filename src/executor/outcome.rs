//! What a task has come to, and what becomes of that when nobody looks at it.
//!
//! # Safety
//! An outcome is in its task's slot from DONE on, until EMPTY is set by whoever takes it. All of this is
//! on the loop's thread.
#![allow(unsafe_code, reason = "outcomes lie in blocks whose types are forgotten")]

use std::ptr::NonNull;

use super::cell::Outcome;
use super::header::Look;
use super::info::Report;
use super::state::State;
use super::task::TaskRef;
use crate::util::contain::Payload;

impl TaskRef {
    /// The outcome of a finished task, where it lies.
    pub(super) fn outcome<T>(&self) -> NonNull<Outcome<T>> {
        // SAFETY: the block reaches that far.
        unsafe { self.as_ptr().byte_add(self.header().vtable.outcome) }.cast()
    }

    /// Moves the outcome of a finished task out.
    ///
    /// # Safety
    /// It is DONE, its output is a `T`, and nobody has moved the outcome out.
    #[inline]
    pub(super) unsafe fn take_outcome<T>(&self) -> Outcome<T> {
        debug_assert!(self.state() & (State::DONE | State::EMPTY) == State::DONE);
        self.set(State::EMPTY);
        // SAFETY: it is there, of that type, by the caller; from now on nobody reads it again.
        unsafe { self.outcome().read() }
    }

    /// Drops the outcome that nobody will look at. An error or a panic among them is reported.
    pub(super) fn discard(&self) {
        if self.state().contains(State::EMPTY) {
            return;
        }
        match self.header().look() {
            None => self.drop_outcome(),
            Some(look) => self.look_and_drop(look),
        }
    }

    fn drop_outcome(&self) {
        self.set(State::EMPTY);
        let discard = self.header().vtable.discard;
        // SAFETY: this task's own vtable; the outcome is there, and EMPTY keeps everybody else
        // from it.
        unsafe { discard(self) };
    }

    #[cold]
    fn look_and_drop(&self, look: Look) {
        if let Some(words) = look(self) {
            self.report_failure(words);
            // Whatever its type: it was told.
            self.set(State::UNWANTED);
        }
        self.drop_outcome();
    }

    #[cold]
    pub(super) fn report_panic(&self, payload: Payload) {
        self.view().local().report("a task", payload, Some(self.info()));
    }

    #[cold]
    pub(super) fn report_failure(&self, words: String) {
        if !self.state().contains(State::UNWANTED) {
            let message = format!("a task failed: {words}");
            self.view().local().tell(Report { message, task: Some(self.info()) });
        }
    }

    /// The words of the error with which the task has ended, if it is known to be one. The outcome
    /// must be there.
    pub(super) fn failure(&self) -> Option<String> {
        debug_assert!(self.state() & (State::DONE | State::EMPTY) == State::DONE);
        if let Some(look) = self.header().look() {
            return look(self);
        }
        let failure = self.header().vtable.failure;
        // SAFETY: this task's own vtable; the outcome is there.
        unsafe { failure(self.as_ptr()) }
    }
}
