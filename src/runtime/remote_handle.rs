//! A loop, from other threads.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::executor::{self, JoinError, Remote};
use crate::util::sync::{Arc, Condvar, Mutex, MutexGuard};

/// The loop has ended, or is ending.
///
/// # Examples
/// ```
/// let runner = ringio::Runner::builder().build()?;
/// let handle = runner.handle();
/// drop(runner);
/// assert_eq!(handle.call(|| ()), Err(ringio::LoopClosed));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopClosed;

impl fmt::Display for LoopClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event loop has ended")
    }
}

impl std::error::Error for LoopClosed {}

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

/// A handle to a loop that any thread may use and keep; it does not keep the loop running.
///
/// # Examples
/// ```
/// ringio::run(async {
///     let handle = ringio::RemoteHandle::current();
///     let thread = std::thread::spawn(move || handle.spawn(|| async { 6 * 7 }).wait(None));
///     // The thread waits for this loop, so this loop must not wait for the thread yet.
///     while !thread.is_finished() {
///         ringio::yield_now().await;
///     }
///     assert_eq!(thread.join().unwrap().unwrap(), 42);
/// });
/// ```
#[derive(Clone, Debug)]
pub struct RemoteHandle {
    remote: Remote,
}

impl RemoteHandle {
    pub(crate) fn new(remote: Remote) -> RemoteHandle {
        RemoteHandle { remote }
    }

    /// The handle of the loop that runs on this thread.
    ///
    /// # Panics
    /// Outside a loop.
    pub fn current() -> RemoteHandle {
        match CURRENT.try_with(|current| current.borrow().clone()).ok().flatten() {
            Some(handle) => handle,
            None => panic!("no event loop runs on this thread: call this inside `ringio::run`"),
        }
    }

    /// Has the loop call `f` in one of its next turns.
    ///
    /// # Errors
    /// [`LoopClosed`] when the loop has ended or is ending; `f` is dropped.
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let (done, awaited) = std::sync::mpsc::channel();
    ///     let handle = ringio::RemoteHandle::current();
    ///     std::thread::spawn(move || handle.call(move || done.send(1).unwrap()));
    ///     while awaited.try_recv().is_err() {
    ///         ringio::yield_now().await;
    ///     }
    /// });
    /// ```
    #[doc(alias = "call_soon_threadsafe")]
    pub fn call(&self, f: impl FnOnce() + Send + 'static) -> Result<(), LoopClosed> {
        self.remote.push(Box::new(f)).map_err(|_| LoopClosed)
    }

    /// Has the loop make a future and run it as a task. The future stays on the loop's thread and
    /// need not be `Send`.
    #[doc(alias = "run_coroutine_threadsafe")]
    pub fn spawn<F, Fut, T>(&self, f: F) -> RemoteJoin<T>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let promise = Promise(Some(shared.clone()));
        // On refusal the closure is dropped, and with it the promise, which says LoopClosed.
        let _ = self.call(move || {
            // Within the task, so that a panic of `f` is one of the task.
            let task = executor::spawn(async move { f().await });
            drop(executor::spawn(promise.keep(task)));
        });
        RemoteJoin { shared }
    }

    /// Whether the loop has ended or is ending.
    ///
    /// # Examples
    /// ```
    /// let mut runner = ringio::Runner::builder().build()?;
    /// let handle = runner.handle();
    /// assert!(!handle.is_closed());
    /// runner.close();
    /// assert!(handle.is_closed());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_closed(&self) -> bool {
        self.remote.is_closed()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<RemoteHandle>> = const { RefCell::new(None) };
}

/// Nothing is kept when the thread's last destructors end a loop that was left to them.
fn replace(handle: Option<RemoteHandle>) -> Option<RemoteHandle> {
    CURRENT.try_with(|current| current.replace(handle)).ok().flatten()
}

/// Makes a handle that of the running loop until the guard is dropped.
pub(super) fn enter(handle: RemoteHandle) -> Guard {
    Guard { before: replace(Some(handle)) }
}

#[derive(Debug)]
pub(super) struct Guard {
    before: Option<RemoteHandle>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(replace(self.before.take()));
    }
}

/// What a task on another loop will give: awaited on any executor, or waited for by a thread.
#[derive(Debug)]
#[must_use = "the result is lost without it; the task runs on"]
pub struct RemoteJoin<T> {
    shared: Arc<Shared<T>>,
}

impl<T> RemoteJoin<T> {
    /// Blocks this thread until the task has ended, or until `timeout` has passed. On a thread
    /// that runs the task's own loop this would never end: await it there.
    ///
    /// # Errors
    /// See [`RemoteError`]. After [`RemoteError::Timeout`] it can be called again.
    ///
    /// # Panics
    /// If it gave the outcome before.
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
                return outcome;
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
        let mut state = self.shared.lock();
        state.cancelled = true;
        let keeper = state.keeper.take();
        drop(state);
        if let Some(keeper) = keeper {
            keeper.wake();
        }
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

impl<T> Future for RemoteJoin<T> {
    type Output = Result<T, RemoteError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let mut state = self.shared.lock();
        if let Some(outcome) = state.take() {
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
    /// Whoever awaits the outcome.
    waiter: Option<Waker>,
    /// The task that keeps the promise, to be told of a cancellation.
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
        let state =
            State { outcome: None, taken: false, cancelled: false, waiter: None, keeper: None };
        Shared { state: Mutex::new(state), ended: Condvar::new() }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
struct Promise<T>(Option<Arc<Shared<T>>>);

impl<T: 'static> Promise<T> {
    async fn keep(mut self, mut task: executor::JoinHandle<T>) {
        let Some(shared) = self.0.clone() else { return };
        let outcome = poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = shared.lock();
            let before = state.keeper.replace(waker);
            let cancelled = state.cancelled;
            drop(state);
            drop(before);
            if cancelled {
                task.cancel();
            }
            Pin::new(&mut task).poll(cx)
        })
        .await;
        self.0 = None;
        shared.end(outcome.map_err(|error| match error {
            JoinError::Panicked(payload) => RemoteError::Panicked(payload),
            _ => RemoteError::Cancelled,
        }));
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.end(Err(RemoteError::LoopClosed));
        }
    }
}
