//! Where a task stands. Only its loop's thread reads or writes this.

use bitflags::bitflags;

use super::owner::Stage;

bitflags! {
    /// The diagram above [`TaskRef`](super::task::TaskRef) shows how these follow each other.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) struct State: u16 {
        /// Its scheduler's queue holds it; a second wake has nothing to do.
        const QUEUED = 1;
        /// Its future is being polled, further up this thread's stack.
        const RUNNING = 1 << 1;
        /// Somebody asked it to end; its next turn delivers that.
        const CANCEL = 1 << 2;
        /// It was to be dropped while it was running: its poll's end does so.
        const DOOMED = 1 << 3;
        /// Its future is being dropped, further up this thread's stack, or was.
        const ENDING = 1 << 4;
        /// The future is gone and the outcome was put in its place.
        const DONE = 1 << 5;
        /// The outcome has been moved out or dropped.
        const EMPTY = 1 << 6;
        /// A `JoinHandle` wants the outcome.
        const JOINED = 1 << 7;
        /// The request was delivered: its clean-ups run.
        const CLEANING = 1 << 8;
        /// It has not been polled.
        const UNBORN = 1 << 9;
        /// It is on its loop's roster.
        const LISTED = 1 << 10;
        /// Whoever has the handle does not want to know of an error.
        const UNWANTED = 1 << 11;
        /// It is no task of its own, but a part of the one that polls it.
        const PART = 1 << 12;
    }
}

impl State {
    /// Nothing will be polled any more.
    #[inline]
    pub(super) fn is_over(self) -> bool {
        self.intersects(State::ENDING.union(State::DONE))
    }

    /// How far its end has come.
    #[inline]
    pub(super) fn stage(self) -> Stage {
        if !self.contains(State::CANCEL) {
            Stage::Going
        } else if self.contains(State::CLEANING) {
            Stage::Ending
        } else {
            Stage::Asked
        }
    }

    /// A wake must put the task into the queue.
    #[inline]
    pub(super) fn wants_queue(self) -> bool {
        !self.intersects(State::QUEUED.union(State::ENDING).union(State::DONE))
    }
}
