//! How many operations that are ready at once a task may finish in one poll.
//!
//! A fast path that never waits would let one task keep the loop: each such path calls [`spend`]
//! first. Outside a task of this runtime there is no budget.

use std::cell::Cell;
use std::task::{Context, Poll};

/// Ready operations per poll of a task.
pub(crate) const PER_POLL: u32 = 128;

const UNLIMITED: u32 = u32::MAX;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(UNLIMITED) };
}

/// Spends one unit. With none left the task is woken again and the caller must return `Pending`.
#[inline]
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<()> {
    LEFT.with(|left| match left.get() {
        UNLIMITED => Poll::Ready(()),
        0 => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        n => {
            left.set(n - 1);
            Poll::Ready(())
        }
    })
}

/// Gives the poll that follows a fresh budget, until the guard is dropped.
#[inline]
pub(crate) fn fresh() -> Guard {
    Guard { before: LEFT.replace(PER_POLL) }
}

/// Restores what was left before.
#[derive(Debug)]
pub(crate) struct Guard {
    before: u32,
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        LEFT.set(self.before);
    }
}
