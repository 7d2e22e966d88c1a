//! The turns of a task.
//!
//! # Safety
//! Only [`TaskRef::poll_future`] calls a future, through the task's own vtable: RUNNING keeps everybody
//! else from it meanwhile, and it is there because the task is not over.
#![allow(unsafe_code, reason = "polls a future whose type is forgotten")]

use std::task::{Context, Poll};

use super::current;
use super::join_error::JoinError;
use super::local::Local;
use super::owner;
use super::state::State;
use super::task::TaskRef;
use super::waker;
use super::watch;
use crate::util::budget;
use crate::util::contain::{Payload, catch};

/// How a turn went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The task waits for another.
    Pending,
    /// The future has ended, and nobody was told before the turn's own end.
    Ready,
    /// The task is over.
    Over,
}

impl TaskRef {
    /// One turn in the midst of another task's, or outside all.
    pub(super) fn run(self) {
        let _before = (current::task_scope(), budget::fresh());
        self.take_turn();
    }

    /// One turn, given by the scheduler that took the task off its queue.
    ///
    /// It leaves no task current and a budget that was used; the scheduler puts back what was
    /// there before, once for all whom it gives a turn.
    #[inline(always)]
    pub(super) fn take_turn(&self) {
        let Some(state) = self.begin_turn() else { return self.pass() };
        let _running = current::run_as(self);
        budget::refresh();
        if self.go_on(state) == Turn::Ready {
            self.finish();
        }
    }

    /// As [`take_turn`](TaskRef::take_turn), for a child that is a task of its own. `None` if it had
    /// no turn: it may be over by now.
    #[inline(always)]
    pub(super) fn take_child_turn(&self) -> Option<Turn> {
        let Some(state) = self.begin_turn() else {
            self.pass();
            return None;
        };
        let _running = current::run_as(self);
        budget::refresh();
        let turn = self.go_on(state);
        if turn == Turn::Ready {
            self.finish_child();
        }
        Some(turn)
    }

    /// As [`take_child_turn`](TaskRef::take_child_turn), for a part of the running task: that stays
    /// current, and it is its budget which is used.
    #[inline]
    pub(super) fn take_turn_within(&self) -> Option<Turn> {
        let Some(state) = self.begin_turn() else {
            self.pass();
            return None;
        };
        let turn = self.go_on(state);
        if turn == Turn::Ready {
            self.finish();
        }
        Some(turn)
    }

    /// Says where it stood, unless it cannot have a turn.
    #[inline]
    fn begin_turn(&self) -> Option<State> {
        let state = self.state();
        if state.intersects(State::RUNNING | State::ENDING | State::DONE) {
            return None;
        }
        self.header().state.set((state - (State::QUEUED | State::UNBORN)) | State::RUNNING);
        Some(state)
    }

    #[inline(always)]
    fn go_on(&self, before: State) -> Turn {
        let local = self.view().local();
        local.turns.add(1);
        if before.contains(State::CANCEL) { self.take_last_turns() } else { self.poll(local) }
    }

    /// A turn that is not taken.
    #[cold]
    fn pass(&self) {
        self.clear(State::QUEUED);
        if !self.state().is_over() {
            // The loop is turned from within this task's own poll: it goes to the back.
            self.clone().enqueue();
        }
    }

    #[inline(always)]
    fn poll(&self, local: &Local) -> Turn {
        if watch::is_on(local, self) {
            self.poll_timed()
        } else {
            self.has_polled(self.poll_future())
        }
    }

    #[cold]
    fn poll_timed(&self) -> Turn {
        self.has_polled(watch::timed(self, || self.poll_future()))
    }

    #[inline(always)]
    fn has_polled(&self, polled: Result<Poll<()>, Payload>) -> Turn {
        match polled {
            Ok(Poll::Pending) => {
                self.clear(State::RUNNING);
                if self.state().intersects(State::DOOMED | State::CANCEL) {
                    return self.has_been_asked();
                }
                Turn::Pending
            }
            Ok(Poll::Ready(())) => Turn::Ready,
            Err(payload) => {
                self.end(JoinError::Panicked(payload));
                Turn::Over
            }
        }
    }

    #[inline(always)]
    fn poll_future(&self) -> Result<Poll<()>, Payload> {
        let waker = waker::borrowed(self);
        let mut cx = Context::from_waker(&waker);
        let poll = self.header().vtable.poll;
        // SAFETY: this task's own vtable; RUNNING keeps everybody else from the future, and it is
        // there because the task is not over.
        catch(|| unsafe { poll(self.as_ptr(), &mut cx) })
    }

    /// A turn after the request. Without clean-ups the future goes at once. Else it is polled once
    /// more as ever, so that a result that is ready wins, and from then on for their sake.
    #[cold]
    fn take_last_turns(&self) -> Turn {
        let local = self.view().local();
        if self.clean_ups().is_some() {
            return self.poll(local);
        }
        local.unpolled.add(1);
        self.end(JoinError::Cancelled);
        Turn::Over
    }

    /// The poll of a task that was asked to end, before it or in it, gave Pending.
    #[cold]
    fn has_been_asked(&self) -> Turn {
        let waker = waker::borrowed(self);
        let mut cx = Context::from_waker(&waker);
        let is_cleaning = self.state().contains(State::CLEANING);
        match self.clean_ups() {
            _ if self.state().contains(State::DOOMED) => self.end(JoinError::Cancelled),
            None if is_cleaning => self.end(JoinError::Cancelled),
            // The next turn ends it.
            None => self.wake(),
            Some(branch) if is_cleaning => {
                branch.leave_waker(cx.waker());
                if branch.poll_limit(&mut cx).is_ready() {
                    self.end(JoinError::Cancelled);
                }
            }
            Some(branch) => {
                self.set(State::CLEANING);
                owner::count_request();
                branch.limit();
                branch.wake_beneath();
                self.wake();
            }
        }
        if self.state().contains(State::DONE) { Turn::Over } else { Turn::Pending }
    }
}
