//! The loop that runs on this thread.

use std::cell::RefCell;

use super::stats::Sources;

thread_local! {
    static CURRENT: RefCell<Option<Sources>> = const { RefCell::new(None) };
}

/// Hands the running loop to `code`, which does not run anybody's code.
pub(super) fn with<R>(code: impl FnOnce(&Sources) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(code)).ok().flatten()
}

/// Nothing is kept when the thread's last destructors end a loop that was left to them.
fn replace(sources: Option<Sources>) -> Option<Sources> {
    CURRENT.try_with(|current| current.replace(sources)).ok().flatten()
}

/// Makes a loop the running one of the thread until the guard is dropped.
pub(super) fn enter(sources: Sources) -> Guard {
    Guard { before: replace(Some(sources)) }
}

#[derive(Debug)]
pub(super) struct Guard {
    before: Option<Sources>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(replace(self.before.take()));
    }
}
