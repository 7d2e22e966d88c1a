//! A timeout whose deadline can be moved from within.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::cancel_scope::Scope;
use super::timeout::TimeoutError;
use crate::executor::owner::{Stage, surroundings};
use crate::time::{Instant, Sleep, sleep_until};

/// Gives `body` until `deadline`, which `body` may move; `None` is for ever.
///
/// The rest is as with [`timeout_at`](crate::timeout_at): a deadline in the past does not start the
/// body, clean-ups run before the error is given, a result of the same poll wins.
///
/// ```
/// use ringio::time::{Instant, sleep};
/// use ringio::timeout_scope;
/// use std::time::Duration;
///
/// ringio::run(async {
///     let first = Instant::now() + Duration::from_millis(1);
///     let ended = timeout_scope(first, async |scope| {
///         assert_eq!(scope.when(), Some(first));
///         scope.reschedule(first + Duration::from_secs(3600));
///         sleep(Duration::from_millis(2)).await;
///         scope.reschedule(None);
///         "in time"
///     });
///     assert_eq!(ended.await, Ok("in time"));
/// });
/// ```
///
/// # Errors
/// [`TimeoutError`] if the deadline passed first.
///
/// # Panics
/// The future panics when its body waits outside a loop.
///
/// # Cancel safety
/// Dropping the future drops the body and runs no clean-up.
#[doc(alias = "Timeout")]
pub async fn timeout_scope<T, F>(
    deadline: impl Into<Option<Instant>>,
    body: F,
) -> Result<T, TimeoutError>
where
    F: for<'s> AsyncFnOnce(&'s TimeoutScope) -> T,
{
    let scope = TimeoutScope::new(deadline.into());
    let mut body = pin!(Some(body(&scope)));
    let mut has_begun = false;
    poll_fn(|cx| {
        if !has_begun {
            if surroundings() != Stage::Going {
                return Poll::Pending;
            }
            has_begun = true;
            if scope.when().is_some_and(|deadline| deadline <= Instant::now()) {
                return Poll::Ready(Err(TimeoutError));
            }
        }
        let is_due = |cx: &mut Context<'_>| scope.inner.is_due(cx);
        let ended = ready!(scope.inner.scope.poll(body.as_mut(), cx, is_due));
        scope.inner.expiry.take();
        Poll::Ready(ended.ok_or(TimeoutError))
    })
    .await
}

/// Moves the deadline of a [`timeout_scope`]. It may be cloned and kept.
#[derive(Clone)]
pub struct TimeoutScope {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    scope: Scope,
    deadline: Cell<Option<Instant>>,
    /// Waits for the deadline, if there is one, from the body's first wait on.
    expiry: RefCell<Option<Sleep>>,
}

impl TimeoutScope {
    fn new(deadline: Option<Instant>) -> TimeoutScope {
        let inner = Rc::new(Inner::default());
        inner.set(deadline);
        TimeoutScope { inner }
    }

    /// Moves the deadline: one in the past ends the scope in the loop's next turn, `None` never. Once
    /// the time is up, or the scope has ended, it does nothing.
    pub fn reschedule(&self, to: impl Into<Option<Instant>>) {
        let inner = &*self.inner;
        if inner.scope.owner.stage() == Stage::Going {
            inner.set(to.into());
            // Its next poll has the timer follow.
            inner.scope.wake();
        }
    }

    /// The deadline.
    pub fn when(&self) -> Option<Instant> {
        self.inner.deadline.get()
    }
}

impl Inner {
    fn set(&self, deadline: Option<Instant>) {
        self.deadline.set(deadline);
        self.scope.owner.set_deadline(deadline.map_or(u64::MAX, |deadline| deadline.as_nanos()));
    }

    fn is_due(&self, cx: &mut Context<'_>) -> bool {
        let deadline = self.deadline.get();
        // Out of its place while foreign wakers are cloned.
        let (kept, moved) = match self.expiry.take() {
            kept if kept.as_ref().map(Sleep::deadline) == deadline => (kept, None),
            moved => (None, moved),
        };
        if moved.is_some_and(|expiry| expiry.is_elapsed()) {
            // Those within may have left it to this scope to end them; now it does not.
            cx.waker().wake_by_ref();
        }
        let Some(mut expiry) = kept.or_else(|| deadline.map(sleep_until)) else { return false };
        let is_due = Pin::new(&mut expiry).poll(cx).is_ready();
        self.expiry.replace(Some(expiry));
        is_due
    }
}

impl fmt::Debug for TimeoutScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutScope").field("when", &self.when()).finish_non_exhaustive()
    }
}
