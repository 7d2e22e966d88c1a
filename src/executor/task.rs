//! One task: its header, how it is woken, and how it ends.
//!
//! # Safety
//! The slot behind the header holds the future or the outcome, as the state says. Only a
//! [`TaskRef`] and the task's `JoinHandle` go there, on the loop's thread, and never while the
//! future's own code may be on the stack. The header's count of `TaskRef`s is kept here.
#![allow(unsafe_code, reason = "a counted pointer to a block whose types are forgotten")]

use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::rc::Rc;

use super::branch::Branch;
use super::current;
use super::header::{Header, release};
use super::info::{Id, Info};
use super::join_error::JoinError;
use super::owner;
use super::shared::View;
use super::state::State;
use crate::util::contain::contain;

/// A task on its loop's thread: a counted pointer, like `Rc`.
///
/// ```text
///                  start                       a waker: wake, or JoinHandle::cancel
///      (unborn) ─────────▶ idle ◀───────────┐  puts QUEUED on top of any state left of ENDING;
///                           │               │  the run queue takes it off again in `run`
///                  run      │               │
///              (its turn)   ▼               │
///                        RUNNING ───────────┘ the poll gave Pending
///                           │
///        the poll gave Ready, panicked, or ended DOOMED;
///        the turn found CANCEL and no clean-ups, and did not poll;
///        the last of its clean-ups has ended, or their time is over;
///        from idle: drop_now
///                           ▼
///                        ENDING    the future is dropped (`VTable::end`)
///                           │      and the outcome takes its place
///                           ▼
///                         DONE     `finish`: off the roster, the joiner is woken
///                           │
///        JoinHandle polled: the outcome is moved out;
///        JoinHandle dropped, before or now: the outcome is dropped, an error or a panic reported
///                           ▼
///                     DONE + EMPTY ──▶ the last `TaskRef` goes ──▶ the last waker goes: freed
/// ```
///
/// `CANCEL` and `DOOMED` are requests on top of idle or RUNNING, and `CLEANING` says that the former
/// was delivered; `JOINED` says that a handle
/// exists. `TaskRef`s are held by the roster up to DONE, by the queue while QUEUED, by the handle,
/// and by whoever is just running the task.
pub(super) struct TaskRef(NonNull<Header>);

impl TaskRef {
    /// # Safety
    /// One `TaskRef` to the task is counted that nobody has: of a new block, or one that was
    /// forgotten. This is the loop's thread.
    #[inline]
    pub(super) unsafe fn from_raw(header: NonNull<Header>) -> TaskRef {
        TaskRef(header)
    }

    /// The pointer, which has the reference now.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<Header> {
        ManuallyDrop::new(self).0
    }

    /// Makes another from a pointer.
    ///
    /// # Safety
    /// This is the loop's thread, and a `TaskRef` to the task exists.
    #[inline]
    pub(super) unsafe fn acquire(header: NonNull<Header>) -> TaskRef {
        let unowned = ManuallyDrop::new(TaskRef(header));
        TaskRef::clone(&unowned)
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> NonNull<Header> {
        self.0
    }

    #[inline]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: our reference keeps it alive; it is never borrowed mutably.
        unsafe { self.0.as_ref() }
    }

    /// The task's loop.
    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        // SAFETY: a `TaskRef` does not leave the loop's thread, and the header keeps the block.
        unsafe { View::new(self.header().shared) }
    }

    #[inline]
    pub(super) fn state(&self) -> State {
        self.header().state.get()
    }

    #[inline]
    pub(super) fn set(&self, flags: State) {
        self.header().state.set(self.state() | flags);
    }

    #[inline]
    pub(super) fn clear(&self, flags: State) {
        self.header().state.set(self.state() - flags);
    }

    #[inline]
    pub(super) fn id(&self) -> Id {
        self.header().id
    }

    pub(super) fn name(&self) -> Option<Rc<str>> {
        self.header().name()
    }

    pub(super) fn info(&self) -> Info {
        let header = self.header();
        Info {
            id: header.id,
            name: self.name(),
            spawned_at: header.spawned_at,
            parent: header.parent,
            state: self.state().into(),
        }
    }

    /// Puts the task into its scheduler's queue, unless it is there or over.
    #[inline]
    pub(super) fn wake(&self) {
        if self.state().wants_queue() {
            self.clone().enqueue();
        }
    }

    /// Hands itself to its scheduler. It was not queued, and is not over.
    #[inline]
    pub(super) fn enqueue(self) {
        self.set(State::QUEUED);
        match self.header().vtable.schedule {
            None => {
                // SAFETY: as in `view`; the task is not over when it is queued, so its loop has it.
                let view = unsafe { View::new(self.header().shared) };
                view.local().ready.push(self);
            }
            // SAFETY: the vtable is the one that this task was made with.
            Some(schedule) => unsafe { schedule(self) },
        }
    }

    /// The clean-ups beneath that have not ended.
    pub(super) fn clean_ups(&self) -> Option<Rc<Branch>> {
        self.header().present_branch().filter(|branch| branch.has_clean_ups())
    }

    /// Drops the future without another poll; the outcome is an error.
    #[cold]
    pub(super) fn end(&self, error: JoinError) {
        let end = self.header().vtable.end;
        // SAFETY: this task's own vtable; the task is not over, and its poll has returned or was
        // not begun.
        unsafe { end(self.0, error) };
        self.finish();
    }

    /// The future is gone and the outcome is in its place: tells everybody.
    #[inline(always)]
    pub(super) fn finish(&self) {
        self.set_done();
        self.conclude();
    }

    /// It is DONE: off the roster, the joiner is woken.
    #[inline(always)]
    fn conclude(&self) {
        let listed = self.view().local().roster.unlist(self);
        if !self.state().contains(State::JOINED) {
            self.discard();
        }
        if self.header().has_joiner()
            && let Some(joiner) = self.header().joiner.take()
        {
            contain(|| joiner.wake());
        }
        self.header().clear_locals();
        if let Some(listed) = listed {
            listed.forget_one();
        }
    }

    /// As [`finish`](TaskRef::finish), for a child.
    #[inline(always)]
    pub(super) fn finish_child(&self) {
        self.set_done();
        // Mostly its handle was dropped, and the outcome with the future.
        let unseen = self.state() & (State::JOINED | State::EMPTY) == State::EMPTY;
        if !unseen || self.header().has_rare() {
            self.conclude_elsewhere();
        }
    }

    #[inline(always)]
    fn set_done(&self) {
        self.header().state.set((self.state() - State::RUNNING) | State::DONE);
    }

    #[inline(never)]
    fn conclude_elsewhere(&self) {
        self.conclude();
    }

    /// Lets go of a reference that is not the last: the caller has another.
    #[inline]
    pub(super) fn forget_one(self) {
        let header = ManuallyDrop::new(self);
        let local = &header.header().local;
        debug_assert!(local.get() > 1, "the caller has none");
        local.set(local.get() - 1);
    }

    /// Asks the task to end. False if it has. Asking twice is asking once.
    pub(super) fn cancel(&self) -> bool {
        if self.state().is_over() {
            self.set(State::UNWANTED);
            return false;
        }
        if !self.state().contains(State::CANCEL) {
            self.set(State::CANCEL);
            owner::count_request();
            // The time of its clean-ups counts from here.
            if let Some(branch) = self.clean_ups() {
                branch.limit();
            }
            self.wake();
        }
        true
    }

    /// Drops the future now, on the caller's stack, or when the poll that is on the stack ends.
    pub(super) fn drop_now(&self) {
        if self.state().is_over() {
            return;
        }
        if self.state().contains(State::RUNNING) {
            self.set(State::DOOMED);
            return;
        }
        let _before = current::task_scope();
        let _running = current::run_as(self);
        self.end(JoinError::Cancelled);
    }

    /// Whether it is no task of its own, but a part of the one that polls it.
    pub(super) fn is_part(&self) -> bool {
        self.state().contains(State::PART)
    }

    /// A child that is over leaves the tree of those whom requests concern: it hangs on one that goes
    /// on, which would keep its place there, and wait for what the child has forgotten.
    pub(super) fn leave_tree(&self) {
        if self.header().has_rare() {
            self.header().present_branch().inspect(|branch| branch.detach());
        }
    }

    /// As [`drop_now`](TaskRef::drop_now), for a part of the running task.
    pub(super) fn drop_within(&self) {
        if self.state().contains(State::RUNNING) {
            self.set(State::DOOMED);
        } else if !self.state().is_over() {
            self.end(JoinError::Cancelled);
        }
    }

    /// No `TaskRef` is left: empties the header and lets go of what they held.
    #[inline(never)]
    fn last(this: ManuallyDrop<TaskRef>) {
        // The joiner was taken by `finish` or by its handle. There may be what a destructor has asked
        // for after the task's end.
        this.header().clear();
        let held = this.header().held.replace(0);
        // SAFETY: what all `TaskRef`s held together; this was the last of them.
        unsafe { release(this.0, held) };
    }
}

impl Clone for TaskRef {
    #[inline]
    fn clone(&self) -> Self {
        let local = &self.header().local;
        local.set(local.get() + 1);
        TaskRef(self.0)
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        let local = &self.header().local;
        local.set(local.get() - 1);
        if local.get() == 0 {
            TaskRef::last(ManuallyDrop::new(TaskRef(self.0)));
        }
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRef").field("id", &self.id()).field("state", &self.state()).finish()
    }
}
