//! What a task on another loop comes to.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::executor::{self, Info, JoinError, JoinHandle, Report, failure};
use crate::util::contain::message;
use crate::util::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::remote_handle::is_at_home;

/// Why [`RemoteJoin`] has no result.
///
/// # Examples
/// ```
/// use ringio::{RemoteError, Runner};
/// let runner = Runner::builder().build()?;
/// let mut task = runner.handle().spawn(|| async {});
/// drop(runner);
/// assert!(matches!(task.wait(None), Err(RemoteError::LoopClosed)));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RemoteError {
    /// The task was cancelled.
    Cancelled,
    /// The task panicked; the payload is the panic's.
    Panicked(Box<dyn Any + Send>),
    /// The loop has ended before the task did.
    LoopClosed,
    /// [`RemoteJoin::wait`] has waited as long as it was told to. The task goes on.
    Timeout,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RemoteError::Cancelled => "the task was cancelled",
            RemoteError::Panicked(_) => "the task panicked",
            RemoteError::LoopClosed => "the event loop has ended",
            RemoteError::Timeout => "the task has not ended in time",
        })
    }
}

impl std::error::Error for RemoteError {}

/// What a task on another loop will give: awaited on any executor, or waited for by a thread.
///
/// Dropping it detaches the task, which runs on; a panic or an
/// [error](crate::JoinHandle::report_errors) that nobody sees then is reported to its loop's exception
/// handler, as is one that nobody has seen when the loop ends.
///
/// # Errors
/// Awaiting it gives the [`RemoteError`] that says why there is no result. It never hangs because
/// its loop is gone.
///
/// # Panics
/// When it is polled again after it gave the outcome.
///
/// # Cancel safety
/// Awaiting `&mut join` loses nothing when that is dropped.
///
/// # Examples
/// ```
/// let loops = ringio::Cores::count(2).run(|core| async move {
///     let other = &core.peers()[1 - core.index()];
///     match other.spawn(|| async { std::thread::current().id() }).await {
///         Ok(thread) => assert_ne!(thread, std::thread::current().id()),
///         Err(error) => assert!(matches!(error, ringio::RemoteError::LoopClosed)),
///     }
/// });
/// loops.unwrap();
/// ```
#[doc(alias = "concurrent.futures.Future")]
#[derive(Debug)]
#[must_use = "the result is lost without it; the task runs on"]
pub struct RemoteJoin<T> {
    shared: Arc<Shared<T>>,
    loop_id: u64,
}

impl<T> RemoteJoin<T> {
    /// Blocks this thread until the task has ended, or until `timeout` has passed.
    ///
    /// # Errors
    /// See [`RemoteError`]. After [`RemoteError::Timeout`] it can be called again.
    ///
    /// # Panics
    /// If it gave the outcome before. On the thread of the task's own running loop, if there is no
    /// timeout and no outcome yet: that would never end. Await it there.
    ///
    /// # Examples
    /// ```
    /// use ringio::{RemoteError, Runner};
    /// use std::time::Duration;
    /// let runner = Runner::builder().build()?; // it does not run
    /// let mut task = runner.handle().spawn(|| async { 1 });
    /// assert!(matches!(task.wait(Duration::from_millis(1)), Err(RemoteError::Timeout)));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait(&mut self, timeout: impl Into<Option<Duration>>) -> Result<T, RemoteError> {
        let deadline = timeout.into().and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.shared.lock();
        loop {
            if let Some(outcome) = state.take() {
                drop(state);
                self.shared.tell_keeper(|_| ());
                return outcome;
            }
            if deadline.is_none() && is_at_home(self.loop_id) {
                drop(state);
                panic!("this thread runs the loop whose task it would wait for: await it instead");
            }
            let ended = &self.shared.ended;
            state = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => ended.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Err(RemoteError::Timeout),
                Some(left) => {
                    ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Asks the task to end; it is dropped on its own loop.
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let handle = ringio::RemoteHandle::current();
    ///     let task = handle.spawn(|| std::future::pending::<()>());
    ///     task.cancel();
    ///     assert!(matches!(task.await, Err(ringio::RemoteError::Cancelled)));
    /// });
    /// ```
    pub fn cancel(&self) {
        self.shared.tell_keeper(|state| state.cancelled = true);
    }

    /// Whether the outcome is there.
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let mut task = ringio::RemoteHandle::current().spawn(|| async { 6 * 7 });
    ///     while !task.is_finished() {
    ///         ringio::yield_now().await;
    ///     }
    ///     assert_eq!(task.wait(None).unwrap(), 42);
    /// });
    /// ```
    pub fn is_finished(&self) -> bool {
        let state = self.shared.lock();
        state.taken || state.outcome.is_some()
    }
}

impl<T> Unpin for RemoteJoin<T> {}

impl<T> Drop for RemoteJoin<T> {
    fn drop(&mut self) {
        self.shared.tell_keeper(|state| state.detached = true);
    }
}

impl<T> Future for RemoteJoin<T> {
    type Output = Result<T, RemoteError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let mut state = self.shared.lock();
        if let Some(outcome) = state.take() {
            drop(state);
            self.shared.tell_keeper(|_| ());
            return Poll::Ready(outcome);
        }
        let before = state.waiter.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    ended: Condvar,
}

#[derive(Debug)]
struct State<T> {
    outcome: Option<Result<T, RemoteError>>,
    /// The outcome was given out.
    taken: bool,
    cancelled: bool,
    /// The `RemoteJoin` is gone.
    detached: bool,
    /// Whoever awaits the outcome.
    waiter: Option<Waker>,
    /// The task that keeps the promise, to be told of the above.
    keeper: Option<Waker>,
}

impl<T> State<T> {
    /// Gives the outcome out, once.
    fn take(&mut self) -> Option<Result<T, RemoteError>> {
        assert!(!self.taken, "a RemoteJoin was asked again after it gave its outcome");
        let outcome = self.outcome.take();
        self.taken = outcome.is_some();
        outcome
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        let state = State {
            outcome: None,
            taken: false,
            cancelled: false,
            detached: false,
            waiter: None,
            keeper: None,
        };
        Shared { state: Mutex::new(state), ended: Condvar::new() }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_keeper(&self, tell: impl FnOnce(&mut State<T>)) {
        let mut state = self.lock();
        tell(&mut state);
        let keeper = state.keeper.take();
        drop(state);
        if let Some(keeper) = keeper {
            keeper.wake();
        }
    }

    fn end(&self, outcome: Result<T, RemoteError>) {
        let mut state = self.lock();
        state.outcome = Some(outcome);
        let wakers = (state.waiter.take(), state.keeper.take());
        drop(state);
        self.ended.notify_all();
        if let Some(waiter) = wakers.0 {
            waiter.wake();
        }
    }
}

/// The duty to say what came of a task. Dropped, it says that the loop has ended.
pub(super) struct Promise<T>(Option<Arc<Shared<T>>>);

impl<T> RemoteJoin<T> {
    /// Of a task on that loop, and the duty to say what came of it.
    pub(super) fn new(loop_id: u64) -> (RemoteJoin<T>, Promise<T>) {
        let shared = Arc::new(Shared::default());
        let promise = Promise(Some(shared.clone()));
        (RemoteJoin { shared, loop_id }, promise)
    }
}

impl<T: 'static> Promise<T> {
    pub(super) fn is_cancelled(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.lock().cancelled)
    }

    /// Passes on what becomes of the task, or detaches it once nobody wants to know.
    pub(super) async fn keep(mut self, mut task: JoinHandle<T>) {
        let Some(shared) = self.0.clone() else { return };
        let outcome = poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = shared.lock();
            let before = state.keeper.replace(waker);
            let (cancelled, detached) = (state.cancelled, state.detached);
            drop(state);
            drop(before);
            if cancelled {
                task.cancel();
            }
            if detached {
                return Poll::Ready(None);
            }
            Pin::new(&mut task).poll(cx).map(Some)
        })
        .await;
        self.0 = None;
        let Some(outcome) = outcome else { return };
        let bad_news = BadNews::of(&outcome, task.info(), &shared);
        shared.end(outcome.map_err(|error| match error {
            JoinError::Panicked(payload) => RemoteError::Panicked(payload),
            _ => RemoteError::Cancelled,
        }));
        if let Some(bad_news) = bad_news {
            bad_news.keep().await;
        }
    }
}

/// A failure that the `RemoteJoin` has and nobody has looked at. The loop's exception handler is told
/// of it when that is dropped, or when the loop ends.
struct BadNews<T> {
    report: Option<Report>,
    shared: Arc<Shared<T>>,
}

impl<T: 'static> BadNews<T> {
    fn of(outcome: &Result<T, JoinError>, task: Info, shared: &Arc<Shared<T>>) -> Option<Self> {
        let message = match outcome {
            Ok(output) => format!("a task failed: {}", failure::of(output)?),
            Err(JoinError::Panicked(payload)) => {
                format!("a task panicked: {}", message(&**payload))
            }
            Err(_) => return None,
        };
        let report = Some(Report { message, task: Some(task) });
        Some(BadNews { report, shared: shared.clone() })
    }

    /// Until somebody has looked, or nobody will.
    async fn keep(self) {
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = self.shared.lock();
            let before = state.keeper.replace(waker);
            let is_over = state.taken || state.detached;
            drop(state);
            drop(before);
            if is_over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl<T> Drop for BadNews<T> {
    fn drop(&mut self) {
        let is_seen = self.shared.lock().taken;
        if let Some(report) = self.report.take().filter(|_| !is_seen) {
            executor::current::tell(report);
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.end(Err(RemoteError::LoopClosed));
        }
    }
}
