//! A future that runs on when nobody awaits it any more.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{JoinError, JoinHandle, spawn};

/// Runs a future as a task of its own, so that dropping what awaits it does not stop it.
///
/// The task starts with this call, not with the first poll. Awaiting the [`Shield`] gives the
/// output; if the future panics, awaiting it panics with the same payload. When the shield was
/// dropped before, the panic goes to the loop's exception handler, once, and so does an
/// [error](crate::JoinHandle::report_errors).
///
/// ```
/// use std::time::Duration;
/// use ringio::{shield, time::sleep, timeout};
///
/// ringio::run(async {
///     let (done, told) = (std::rc::Rc::new(std::cell::Cell::new(false)), Duration::from_millis(1));
///     let flag = done.clone();
///     let save = shield(async move {
///         sleep(2 * told).await;
///         flag.set(true);
///     });
///     assert!(timeout(told, save).await.is_err());
///     sleep(3 * told).await;
///     assert!(done.get(), "it was saved all the same");
/// });
/// ```
///
/// # Panics
/// If no loop runs on this thread.
///
/// # Cancel safety
/// Dropping the shield loses the output and nothing else; awaiting `&mut shield` loses nothing.
#[track_caller]
pub fn shield<F: Future + 'static>(future: F) -> Shield<F::Output> {
    Shield { task: spawn(future), cancelled: false }
}

/// The future of [`shield`].
///
/// If its task is cancelled, which only a runner that closes does, there is no output, and
/// this stays pending: its own task has been asked to end as well.
#[must_use = "the future runs on without it; what is missed is its output"]
pub struct Shield<T> {
    task: JoinHandle<T>,
    /// The task has ended without an output.
    cancelled: bool,
}

impl<T> Future for Shield<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.cancelled {
            return Poll::Pending;
        }
        match ready!(Pin::new(&mut self.task).poll(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(JoinError::Panicked(payload)) => resume_unwind(payload),
            Err(JoinError::Cancelled) => {
                self.cancelled = true;
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for Shield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shield").field(&self.task).finish()
    }
}
