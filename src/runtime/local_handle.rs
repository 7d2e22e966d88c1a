//! A loop, from its own thread.

use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::executor::Executor;

use super::report::ExceptionContext;
use super::{RemoteHandle, current};

/// What a loop's own thread may set while it runs. It does not keep the loop.
#[derive(Clone, Debug)]
pub(crate) struct LocalHandle {
    executor: Weak<Executor>,
    remote: RemoteHandle,
}

impl LocalHandle {
    /// That of the loop that runs on this thread.
    pub(crate) fn current() -> Option<LocalHandle> {
        current::with(|sources| LocalHandle {
            executor: Rc::downgrade(&sources.executor),
            remote: RemoteHandle::new(sources.executor.remote()),
        })
    }

    pub(crate) fn remote(&self) -> &RemoteHandle {
        &self.remote
    }

    pub(crate) fn set_exception_handler(&self, f: impl Fn(&ExceptionContext) + 'static) {
        if let Some(executor) = self.executor.upgrade() {
            executor.set_report(Rc::new(move |report| f(&report.into())));
        }
    }

    pub(crate) fn debug(&self) -> bool {
        self.executor.upgrade().is_some_and(|executor| executor.debug())
    }

    pub(crate) fn set_debug(&self, on: bool) {
        if let Some(executor) = self.executor.upgrade() {
            executor.set_debug(on);
        }
    }

    /// Zero once the loop is gone.
    pub(crate) fn slow_callback_duration(&self) -> Duration {
        self.executor.upgrade().map(|executor| executor.slow()).unwrap_or_default()
    }

    pub(crate) fn set_slow_callback_duration(&self, slow: Duration) {
        if let Some(executor) = self.executor.upgrade() {
            executor.set_slow(slow);
        }
    }
}
