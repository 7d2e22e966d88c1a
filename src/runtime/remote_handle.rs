//! A loop, from other threads.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;

use crate::executor::{self, Meta, Remote};

use super::remote_join::RemoteJoin;

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
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let handle = ringio::RemoteHandle::current();
    ///     let answer = handle.spawn(|| async {
    ///         let not_send = std::rc::Rc::new(6 * 7);
    ///         ringio::yield_now().await;
    ///         *not_send
    ///     });
    ///     assert_eq!(answer.await.unwrap(), 42);
    /// });
    /// ```
    #[doc(alias = "run_coroutine_threadsafe")]
    #[track_caller]
    pub fn spawn<F, Fut, T>(&self, f: F) -> RemoteJoin<T>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let (join, promise) = RemoteJoin::new(self.remote.loop_id());
        let spawned_at = Location::caller();
        // On refusal the closure is dropped, and with it the promise, which says LoopClosed.
        let _ = self.call(move || {
            // Within the task, so that a panic of `f` is one of the task.
            let meta = || Meta::here().at(spawned_at);
            let task = executor::current::spawn(meta(), async move { f().await });
            if promise.is_cancelled() {
                // Before its first turn, so that it never starts.
                task.cancel();
            }
            drop(executor::current::spawn(meta(), promise.keep(task)));
        });
        join
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

/// Whether this is the thread of a loop that runs.
pub(super) fn is_at_home(loop_id: u64) -> bool {
    let is = |current: &RefCell<Option<RemoteHandle>>| {
        current.borrow().as_ref().is_some_and(|handle| handle.remote.loop_id() == loop_id)
    };
    CURRENT.try_with(is).unwrap_or(false)
}
