//! A part of a task that can be cancelled by itself.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use super::owner::poll_body;
use crate::executor::owner::{Owner, Stage, surroundings};
use crate::util::leave::leave;

/// Runs `body`, which [`CancelScope::cancel`] ends without ending the task.
///
/// The scope is an owner: clean-ups that [`on_cancel`](crate::on_cancel) has registered within it
/// run before it ends. What was asked of it concerns nobody outside, so the code behind it goes on.
///
/// ```
/// use ringio::{Cancelled, cancel_scope, time::sleep};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let ended = cancel_scope(async |scope| {
///         let scope = scope.clone();
///         ringio::spawn(async move { scope.cancel() });
///         sleep(Duration::from_secs(3600)).await;
///     });
///     assert_eq!(ended.await, Err(Cancelled));
///     assert_eq!(cancel_scope(async |_| 7).await, Ok(7));
/// });
/// ```
///
/// # Errors
/// [`Cancelled`] if it was asked to end before `body` was through. A result of the poll that delivers
/// the request wins.
///
/// # Cancel safety
/// Dropping the future drops the body and runs no clean-up.
#[doc(alias = "CancelledError")]
#[doc(alias = "move_on_after")]
pub async fn cancel_scope<T, F>(body: F) -> Result<T, Cancelled>
where
    F: for<'s> AsyncFnOnce(&'s CancelScope) -> T,
{
    let scope = CancelScope { inner: Rc::default() };
    let mut body = pin!(Some(body(&scope)));
    let mut has_begun = false;
    poll_fn(|cx| {
        if !has_begun && surroundings() != Stage::Going {
            return Poll::Pending;
        }
        has_begun = true;
        let ended = ready!(scope.inner.poll(body.as_mut(), cx, |_| false));
        Poll::Ready(ended.ok_or(Cancelled))
    })
    .await
}

/// Cancels a [`cancel_scope`]. It may be cloned and kept; once the scope has ended it does nothing.
#[derive(Clone)]
pub struct CancelScope {
    inner: Rc<Scope>,
}

impl CancelScope {
    /// Asks the scope to end: its next poll drops the body, clean-ups first. Asking twice is asking
    /// once.
    pub fn cancel(&self) {
        self.inner.ask();
    }

    /// Whether [`cancel`](CancelScope::cancel) was called.
    #[doc(alias = "cancelling")]
    pub fn is_cancelled(&self) -> bool {
        self.inner.owner.stage() != Stage::Going
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// An owner that others can ask, and whoever polls it.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) owner: Owner,
    /// Who awaits the scope, while it is not being polled.
    waker: Cell<Option<Waker>>,
}

impl Scope {
    /// Asks it to end, and has it polled.
    pub(super) fn ask(&self) {
        if self.owner.ask() {
            self.wake();
        }
    }

    /// Has it polled.
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// As [`poll_body`].
    pub(super) fn poll<F: Future>(
        &self,
        body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
        is_due: impl FnOnce(&mut Context<'_>) -> bool,
    ) -> Poll<Option<F::Output>> {
        // While it is polled nobody need wake it: requests are looked for after.
        let before = self.waker.take();
        let poll = poll_body(&self.owner, body, cx, is_due);
        if poll.is_pending() {
            self.waker.set(before);
            leave(&self.waker, cx.waker());
        }
        poll
    }
}

/// The scope was asked to end before its body was through.
///
/// ```
/// assert_eq!(ringio::Cancelled.to_string(), "the scope was cancelled");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scope was cancelled")
    }
}

impl Error for Cancelled {}
