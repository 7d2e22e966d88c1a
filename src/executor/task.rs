//! One task: its header, and what its loop does with it.
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
use std::task::{Context, Poll};

use super::current;
use super::header::{Header, release};
use super::info::{Id, Info};
use super::join_error::JoinError;
use super::shared::View;
use super::state::State;
use super::waker;
use super::watch;
use crate::util::budget;
use crate::util::contain::{Payload, catch, contain};

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
///        the turn found CANCEL, and did not poll;
///        from idle: drop_now
///                           ▼
///                        ENDING    the future is dropped (`VTable::end`)
///                           │      and the outcome takes its place
///                           ▼
///                         DONE     `finish`: off the roster, the joiner is woken
///                           │
///        JoinHandle polled: the outcome is moved out;
///        JoinHandle dropped, before or now: the outcome is dropped, a panic is reported
///                           ▼
///                     DONE + EMPTY ──▶ the last `TaskRef` goes ──▶ the last waker goes: freed
/// ```
///
/// `CANCEL` and `DOOMED` are requests on top of idle or RUNNING; `JOINED` says that a handle
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
        let name = self.header().name.take();
        let copy = name.as_deref().cloned();
        self.header().name.set(name);
        copy
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
        let schedule = self.header().vtable.schedule;
        // SAFETY: the vtable is the one that this task was made with.
        unsafe { schedule(self) };
    }

    /// One turn in the midst of another task's, or outside all.
    pub(super) fn run(self) {
        let _before = (current::task_scope(), budget::fresh());
        self.take_turn();
    }

    /// One turn, given by the scheduler that took the task off its queue. Says whether the
    /// task had one: it may be over by now.
    ///
    /// It leaves no task current and a budget that was used; the scheduler puts back what was
    /// there before, once for all whom it gives a turn.
    #[inline]
    pub(super) fn take_turn(self) -> bool {
        let state = self.state();
        if state.intersects(State::RUNNING | State::ENDING | State::DONE) {
            self.pass();
            return false;
        }
        self.header().state.set((state - State::QUEUED) | State::RUNNING);
        let _running = current::run_as(&self);
        budget::refresh();
        if state.contains(State::CANCEL) {
            // Here is where clean-ups would have their say first.
            self.end(JoinError::Cancelled);
        } else {
            self.poll();
        }
        true
    }

    /// A turn that is not taken.
    #[cold]
    fn pass(self) {
        self.clear(State::QUEUED);
        if !self.state().is_over() {
            // The loop is turned from within this task's own poll: it goes to the back.
            self.enqueue();
        }
    }

    #[inline]
    fn poll(&self) {
        self.view().local().polls.add(1);
        let waker = waker::borrowed(self);
        let mut cx = Context::from_waker(&waker);
        let polled = if self.view().local().watch.on.get() {
            watch::polling(self, || self.poll_future(&mut cx))
        } else {
            self.poll_future(&mut cx)
        };
        match polled {
            Ok(Poll::Pending) => {
                self.clear(State::RUNNING);
                if self.state().contains(State::DOOMED) {
                    self.end(JoinError::Cancelled);
                }
            }
            Ok(Poll::Ready(())) => self.finish(),
            Err(payload) => self.end(JoinError::Panicked(payload)),
        }
    }

    #[inline]
    fn poll_future(&self, cx: &mut Context<'_>) -> Result<Poll<()>, Payload> {
        let poll = self.header().vtable.poll;
        // SAFETY: this task's own vtable; RUNNING keeps everybody else from the future, and it is
        // there because the task is not over.
        catch(|| unsafe { poll(self.0, cx) })
    }

    /// Drops the future without another poll; the outcome is an error.
    #[cold]
    fn end(&self, error: JoinError) {
        let end = self.header().vtable.end;
        // SAFETY: this task's own vtable; the task is not over, and its poll has returned or was
        // not begun.
        unsafe { end(self.0, error) };
        self.finish();
    }

    /// The future is gone and the outcome is in its place: tells everybody.
    #[inline]
    fn finish(&self) {
        self.clear(State::RUNNING);
        self.set(State::DONE);
        let listed = self.view().local().unregister(self);
        if !self.state().contains(State::JOINED) {
            self.discard();
        }
        if let Some(joiner) = self.header().joiner.take() {
            contain(|| joiner.wake());
        }
        self.header().clear_locals();
        drop(listed);
    }

    /// Drops the outcome that nobody will look at. A panic among them is reported.
    pub(super) fn discard(&self) {
        if self.state().contains(State::EMPTY) {
            return;
        }
        self.set(State::EMPTY);
        let discard = self.header().vtable.discard;
        // SAFETY: this task's own vtable; the outcome is there, and EMPTY keeps everybody else
        // from it.
        if let Some(payload) = unsafe { discard(self.0) } {
            self.view().local().report(payload, Some(self.info()));
        }
    }

    /// Asks the task to end. False if it has.
    pub(super) fn cancel(&self) -> bool {
        if self.state().is_over() {
            return false;
        }
        self.set(State::CANCEL);
        self.wake();
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

    /// No `TaskRef` is left: empties the header and lets go of what they held.
    fn last(&mut self) {
        // A name's destructor is not user code, and the joiner was taken by `finish` or by its
        // handle.
        drop(self.header().name.take());
        // What a destructor has asked for after the task's end.
        self.header().clear_locals();
        let held = self.header().held.replace(0);
        // SAFETY: what all `TaskRef`s held together; this was the last of them.
        unsafe { release(self.0, held) };
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
            self.last();
        }
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRef").field("id", &self.id()).field("state", &self.state()).finish()
    }
}
