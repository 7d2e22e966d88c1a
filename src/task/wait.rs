//! Waiting for tasks without taking their outcomes.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::time::Duration;

use super::{JoinHandle, timeout};
use crate::executor::Parts;

/// What [`wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// One of the tasks has finished, in whatever way.
    #[doc(alias = "FIRST_COMPLETED")]
    FirstCompleted,
    /// One of the tasks has panicked or given an error, or all have finished. As in asyncio, one that
    /// was cancelled has not failed. Which outputs are errors
    /// [`JoinHandle::report_errors`](crate::JoinHandle::report_errors) says; on a handle with which that was
    /// called it is every `Err`.
    #[doc(alias = "FIRST_EXCEPTION")]
    FirstError,
    /// All tasks have finished.
    #[doc(alias = "ALL_COMPLETED")]
    AllCompleted,
}

/// What [`wait`] gives: its handles, each list in the order in which they were given.
#[derive(Debug)]
#[must_use = "dropping the handles detaches their tasks"]
pub struct Waited<T> {
    /// Those of tasks that have finished by now: awaiting one is immediate.
    pub done: Vec<JoinHandle<T>>,
    /// The others.
    pub pending: Vec<JoinHandle<T>>,
}

/// Waits for tasks until as many have finished as asked for, or the time is up, and says which have.
///
/// It cancels none, takes no outcome, and gives no error when the time is up. What has
/// finished by the time it returns is in `done`. With no handles it returns at once.
///
/// ```
/// use ringio::time::sleep;
/// use ringio::{Until, spawn, wait};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let tasks = [600, 0].map(|secs| spawn(sleep(Duration::from_secs(secs))));
///     let mut waited = wait(tasks, Until::FirstCompleted, None).await;
///     assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
///     waited.done.remove(0).await.unwrap();
///
///     let moment = Some(Duration::from_millis(1));
///     let waited = wait(waited.pending, Until::AllCompleted, moment).await;
///     assert_eq!((waited.done.len(), waited.pending.len()), (0, 1));
/// });
/// ```
///
/// # Panics
/// If no loop runs on this thread.
///
/// # Cancel safety
/// Dropping it drops the handles: their tasks go on, detached.
pub async fn wait<T>(
    handles: impl IntoIterator<Item = JoinHandle<T>>,
    until: Until,
    limit: Option<Duration>,
) -> Waited<T> {
    let handles: Vec<_> = handles.into_iter().collect();
    // Whether this one, which has finished, is enough.
    let enough = |handle: &JoinHandle<T>| match until {
        Until::FirstCompleted => true,
        Until::FirstError => handle.has_failed(),
        Until::AllCompleted => false,
    };
    if !handles.iter().any(|handle| handle.is_finished() && enough(handle)) {
        let running = handles.iter().filter(|handle| !handle.is_finished());
        let mut running = Parts::new(running.map(JoinHandle::finished));
        let ended = poll_fn(|cx| {
            running.poll(cx, |ended| match enough(ended.output()) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        });
        match limit {
            None => _ = ended.await,
            // Whether it was in time is seen by the handles.
            Some(limit) => _ = timeout(limit, ended).await,
        }
    }
    let (done, pending) = handles.into_iter().partition(JoinHandle::is_finished);
    Waited { done, pending }
}
