//! Debug mode: polls and closures that keep the loop for too long.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::info::Report;
use super::local::Local;
use super::task::TaskRef;

/// asyncio's `slow_callback_duration`.
pub(crate) const SLOW: Duration = Duration::from_millis(100);

/// Whether the loop looks at the clock around each poll, and what is too long.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) on: Cell<bool>,
    pub(super) slow: Cell<Duration>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch { on: Cell::new(false), slow: Cell::new(SLOW) }
    }
}

/// Whether the polls of a task are timed. A part's poll is one of the task's.
#[inline]
pub(super) fn is_on(local: &Local, task: &TaskRef) -> bool {
    local.watch.on.get() && !task.is_part()
}

/// Polls a task, and reports it if that took too long.
#[cold]
pub(super) fn timed<R>(task: &TaskRef, poll: impl FnOnce() -> R) -> R {
    measured(task.view().local(), Some(task), poll)
}

/// Calls what came from another thread, and reports it if that took too long.
pub(super) fn calling<R>(local: &Local, closure: impl FnOnce() -> R) -> R {
    if local.watch.on.get() { measured(local, None, closure) } else { closure() }
}

#[cold]
fn measured<R>(local: &Local, task: Option<&TaskRef>, code: impl FnOnce() -> R) -> R {
    let began = Instant::now();
    let result = code();
    let took = began.elapsed();
    let slow = local.watch.slow.get();
    if took >= slow {
        let who = match task {
            Some(_) => "a poll of a task",
            None => "a closure from another thread",
        };
        let message = format!("{who} has kept the loop for {took:?}; {slow:?} is slow");
        local.tell(Report { message, task: task.map(TaskRef::info) });
    }
    result
}
