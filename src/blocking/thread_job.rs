//! The outcome of a function that runs on another thread.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::executor::{JoinError, Remote, current};
use crate::util::budget;
use crate::util::contain::{catch, contain};

use super::open_jobs::Ticket;
use super::pool::{JobId, Pool};

/// What [`to_thread`](super::to_thread) and [`ThreadPool::run`](super::ThreadPool::run) give: the
/// outcome of a function on another thread.
///
/// It may be awaited on any executor, and sent to another thread.
///
/// ```
/// ringio::run(async {
///     let job = ringio::to_thread(|| std::fs::read_to_string("/proc/self/comm"));
///     assert!(!job.await.unwrap().unwrap().is_empty());
/// });
/// ```
///
/// # Errors
/// [`JoinError::Panicked`] if the function panicked, or if no thread could be started at all (then
/// with words that say so); [`JoinError::Cancelled`] after [`cancel`](ThreadJob::cancel).
///
/// # Panics
/// When it is polled again after it gave the outcome.
///
/// # Cancel safety
/// Dropping it takes the job off the queue, and drops the function, if it has not begun. What has
/// begun cannot be stopped: it runs on, and what it returns is dropped on its thread. Awaiting
/// `&mut job` loses nothing when that is dropped. A panic that nobody awaited goes to the exception
/// handler of the loop from which the job came.
#[must_use = "dropping it takes the job off the queue if it has not begun"]
pub struct ThreadJob<T> {
    shared: Arc<Shared<T>>,
    pool: Arc<Pool>,
    /// `None` if it never came to the queue.
    id: Option<JobId>,
}

impl<T> Unpin for ThreadJob<T> {}

impl<T> ThreadJob<T> {
    /// Ends the wait: a job that has not begun is taken off the queue, one that has runs on and
    /// its result is dropped. False if the outcome was there before.
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let pool = ringio::ThreadPool::new(1);
    ///     let (go, gone) = std::sync::mpsc::channel::<()>();
    ///     let first = pool.run(move || gone.recv().is_ok());
    ///     let second = pool.run(|| unreachable!("it stands behind the first"));
    ///     assert!(second.cancel());
    ///     assert!(second.await.unwrap_err().is_cancelled());
    ///     go.send(()).unwrap();
    ///     assert!(first.await.unwrap());
    /// });
    /// ```
    pub fn cancel(&self) -> bool {
        if self.is_finished() {
            return false;
        }
        let job = self.id.and_then(|id| self.pool.take_back(id));
        let ended = self.shared.end(Err(JoinError::Cancelled));
        contain(|| drop(job));
        ended
    }

    /// Whether the outcome is there, so that awaiting it is immediate.
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let job = ringio::to_thread(|| 7);
    ///     while !job.is_finished() {
    ///         ringio::yield_now().await;
    ///     }
    ///     assert_eq!(job.await.unwrap(), 7);
    /// });
    /// ```
    #[doc(alias = "done")]
    pub fn is_finished(&self) -> bool {
        !matches!(*self.shared.lock(), State::Open(_))
    }
}

impl<T: Send + 'static> ThreadJob<T> {
    /// Puts a function into a pool's queue. It belongs to the loop that runs on this thread, if
    /// one does: its end waits for the function.
    pub(super) fn of_loop(
        pool: &Arc<Pool>,
        function: impl FnOnce() -> T + Send + 'static,
    ) -> ThreadJob<T> {
        ThreadJob::new(pool, Ticket::take(), current::remote(), function)
    }

    /// Puts a function into a pool's queue; nobody waits for it but who awaits this.
    pub(crate) fn of_nobody(
        pool: &Arc<Pool>,
        function: impl FnOnce() -> T + Send + 'static,
    ) -> ThreadJob<T> {
        ThreadJob::new(pool, None, None, function)
    }

    fn new(
        pool: &Arc<Pool>,
        ticket: Option<Ticket>,
        home: Option<Remote>,
        function: impl FnOnce() -> T + Send + 'static,
    ) -> ThreadJob<T> {
        let shared = Arc::new(Shared { state: Mutex::new(State::Open(None)), home });
        let theirs = shared.clone();
        let submitted = pool.submit(Box::new(move || {
            // Given up last: then all of the job's doings are over.
            let _ticket = ticket;
            theirs.end(catch(function).map_err(JoinError::Panicked));
            drop(theirs);
        }));
        if let Err(error) = &submitted {
            let words = format!("no thread could be started: {error}");
            shared.end(Err(JoinError::Panicked(Box::new(words))));
        }
        ThreadJob { shared, pool: pool.clone(), id: submitted.ok() }
    }
}

impl<T> Future for ThreadJob<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        budget::limited(cx, |cx| self.shared.poll(cx))
    }
}

impl<T> Drop for ThreadJob<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<T> fmt::Debug for ThreadJob<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadJob").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

/// Between the thread that does the job and whoever awaits it.
struct Shared<T> {
    state: Mutex<State<T>>,
    /// The loop from which the function came: it is told of a panic that nobody looked at.
    home: Option<Remote>,
}

enum State<T> {
    /// With whoever awaits the outcome.
    Open(Option<Waker>),
    Ended(Result<T, JoinError>),
    /// The outcome was given out.
    Taken,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first outcome counts; says whether this was it.
    fn end(&self, outcome: Result<T, JoinError>) -> bool {
        let mut state = self.lock();
        let State::Open(waiter) = &mut *state else {
            drop(state);
            self.discard(outcome);
            return false;
        };
        let waiter = waiter.take();
        *state = State::Ended(outcome);
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        true
    }

    /// Drops what nobody has looked at.
    fn discard(&self, outcome: Result<T, JoinError>) {
        match (outcome, &self.home) {
            (Err(JoinError::Panicked(payload)), Some(home)) => {
                home.report("a function on another thread", payload);
            }
            (outcome, _) => contain(|| drop(outcome)),
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let waker = cx.waker().clone();
        let mut state = self.lock();
        match &mut *state {
            State::Open(waiter) => {
                let before = waiter.replace(waker);
                drop(state);
                drop(before);
                Poll::Pending
            }
            State::Ended(_) => {
                let State::Ended(outcome) = std::mem::replace(&mut *state, State::Taken) else {
                    unreachable!("it was matched under the same lock")
                };
                Poll::Ready(outcome)
            }
            State::Taken => {
                drop(state);
                panic!("ThreadJob polled after it gave its outcome")
            }
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let State::Ended(outcome) = std::mem::replace(state, State::Taken) {
            self.discard(outcome);
        }
    }
}
