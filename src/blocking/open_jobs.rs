//! How many jobs a loop has out.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

/// Counts the jobs that came from a loop and are neither done nor taken back, on any pool.
#[derive(Debug)]
pub(crate) struct OpenJobs {
    count: AtomicUsize,
    /// Gets the loop's attention when the last one is through.
    doorbell: Waker,
}

impl OpenJobs {
    pub(crate) fn new(doorbell: Waker) -> Arc<OpenJobs> {
        Arc::new(OpenJobs { count: AtomicUsize::new(0), doorbell })
    }

    /// Acquire: what a job did has happened before it is through.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }
}

/// One job that is out, until this is dropped.
#[derive(Debug)]
pub(super) struct Ticket(Arc<OpenJobs>);

impl Ticket {
    /// Of the loop that runs on this thread, if one does.
    pub(super) fn take() -> Option<Ticket> {
        let jobs = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()?;
        jobs.count.fetch_add(1, Ordering::Relaxed);
        Some(Ticket(jobs))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::Release) == 1 {
            self.0.doorbell.wake_by_ref();
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<OpenJobs>>> = const { RefCell::new(None) };
}

/// Nothing is kept when the thread's last destructors end a loop that was left to them.
fn replace(jobs: Option<Arc<OpenJobs>>) -> Option<Arc<OpenJobs>> {
    CURRENT.try_with(|current| current.replace(jobs)).ok().flatten()
}

/// Counts the jobs of this thread here until the guard is dropped.
pub(crate) fn enter(jobs: Arc<OpenJobs>) -> Guard {
    Guard { before: replace(Some(jobs)) }
}

#[derive(Debug)]
pub(crate) struct Guard {
    before: Option<Arc<OpenJobs>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(replace(self.before.take()));
    }
}
