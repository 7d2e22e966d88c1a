//! How many operations that are ready at once a task may finish in one poll.
//!
//! A fast path that never waits would let one task keep the loop: each such path goes through
//! [`limited`], or calls [`spend`] first. Outside a task of this runtime there is no budget.

use std::cell::Cell;
use std::task::{Context, Poll, ready};

/// Ready operations per poll of a task.
pub(crate) const PER_POLL: u32 = 128;

/// Turns of children, and of their children, in one poll of a task.
pub(crate) const CHILDREN_PER_POLL: i64 = 32;

const UNLIMITED: u32 = u32::MAX;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(UNLIMITED) };
    /// Beneath 0 as often as a turn was given all the same.
    static CHILDREN: Cell<i64> = const { Cell::new(0) };
}

/// Spends one unit. With none left the task is woken again and the caller must return `Pending`.
#[inline]
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<()> {
    limited(cx, |_| Poll::Ready(()))
}

/// Asks for what may be ready, which then costs one unit. With none left the task is woken again
/// and asks in its next poll.
///
/// What is pending costs nothing: of many that a task asks in order, those that are not ready would
/// else use the budget up in each poll, and those behind them would never be asked.
#[inline]
pub(crate) fn limited<T>(
    cx: &mut Context<'_>,
    ask: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    if LEFT.get() == 0 {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    let output = ready!(ask(cx));
    take();
    Poll::Ready(output)
}

/// As [`limited`], for what needs no waker: with no unit left it is not asked.
///
/// # Errors
/// What was brought: it is not ready, or there is no unit.
#[inline(always)]
pub(crate) fn at_once<T, R>(brought: T, ask: impl FnOnce(T) -> Result<R, T>) -> Result<R, T> {
    if LEFT.get() == 0 {
        return Err(brought);
    }
    let output = ask(brought)?;
    take();
    Ok(output)
}

/// Takes a unit for what has just been done.
#[inline]
fn take() {
    match LEFT.get() {
        UNLIMITED => {}
        left => LEFT.set(left.saturating_sub(1)),
    }
}

/// Whether the running task has no unit left.
#[inline]
pub(crate) fn is_spent() -> bool {
    LEFT.get() == 0
}

/// Gives the poll that follows a fresh budget, until the guard is dropped.
#[inline]
pub(crate) fn fresh() -> Guard {
    Guard { before: LEFT.replace(PER_POLL) }
}

/// Gives the poll that follows a fresh budget, under a guard of [`fresh`].
#[inline]
pub(crate) fn refresh() {
    LEFT.set(PER_POLL);
}

/// Lets the poll that follows give so many turns to children.
#[inline]
pub(crate) fn grant_children() {
    CHILDREN.set(CHILDREN_PER_POLL);
}

/// Takes one of the turns that the task may give to children. With none left a parent gives one
/// all the same in each of its polls, so that each poll comes further, however deep it is.
#[inline]
pub(crate) fn take_child() -> bool {
    let left = CHILDREN.get() - 1;
    CHILDREN.set(left);
    left >= 0
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
