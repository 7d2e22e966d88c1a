//! Threads that take jobs off a queue.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::util::contain::contain;

/// A thread without work ends after this long.
const IDLE: Duration = Duration::from_secs(10);

/// What a thread does. It is dropped without a call if it is taken off the queue.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Names a job in its pool's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JobId(u64);

/// A queue and up to so many threads, which come as they are needed and go when they are not.
#[derive(Debug)]
pub(crate) struct Pool {
    name: &'static str,
    most: usize,
    queue: Mutex<Queue>,
    work: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Oldest first: ids grow.
    jobs: BTreeMap<JobId, Job>,
    next: u64,
    threads: usize,
    idle: usize,
    /// Nobody submits any more: threads end when the queue is empty.
    closed: bool,
}

impl Pool {
    /// `name` is that of the threads; the kernel shows its first 15 bytes.
    pub(crate) fn new(name: &'static str, most: usize) -> Arc<Pool> {
        Arc::new(Pool { name, most, queue: Mutex::default(), work: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end of the queue.
    ///
    /// # Errors
    /// When the first thread cannot be started; the job is dropped.
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> io::Result<JobId> {
        let mut queue = self.lock();
        let id = JobId(queue.next);
        queue.next += 1;
        queue.jobs.insert(id, job);
        // An idle thread may have been called for an earlier job already.
        if queue.jobs.len() > queue.idle && queue.threads < self.most {
            let own = self.clone();
            let thread = std::thread::Builder::new().name(self.name.into());
            match thread.spawn(move || own.work()) {
                Ok(_) => queue.threads += 1,
                Err(error) if queue.threads == 0 => {
                    let job = queue.jobs.remove(&id);
                    drop(queue);
                    drop(job);
                    return Err(error);
                }
                // The threads that exist get to it.
                Err(_) => {}
            }
        }
        drop(queue);
        self.work.notify_one();
        Ok(id)
    }

    /// Takes a job off the queue; `None` if it has begun. The caller drops it, which is user code.
    pub(super) fn take_back(&self, id: JobId) -> Option<Job> {
        self.lock().jobs.remove(&id)
    }

    /// What is in the queue is still done, then the threads end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    fn work(&self) {
        let mut queue = self.lock();
        loop {
            if let Some((_, job)) = queue.jobs.pop_first() {
                drop(queue);
                contain(job);
                queue = self.lock();
                continue;
            }
            if queue.closed {
                queue.threads -= 1;
                return;
            }
            queue.idle += 1;
            let waited = self.work.wait_timeout(queue, IDLE);
            let (again, wait) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = again;
            queue.idle -= 1;
            if wait.timed_out() && queue.jobs.is_empty() {
                queue.threads -= 1;
                return;
            }
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("jobs", &self.jobs.len())
            .field("threads", &self.threads)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
