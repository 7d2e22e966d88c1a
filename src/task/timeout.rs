//! Bounding how long a future may take.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use pin_project_lite::pin_project;

use super::owner::poll_body;
use crate::executor::owner::{Owner, Stage, surroundings};
use crate::time::{Instant, Sleep, sleep, sleep_until};

/// Gives `body` the time `duration`, counted from this call.
///
/// A duration of zero does not start the body. When the time is up the body is dropped, after the
/// clean-ups that [`on_cancel`](crate::on_cancel) has registered within it have run, and only then
/// the error given; a result that is ready in the same poll wins. A body that is ready at once costs
/// no timer. The time counts from the first poll if the call is made outside a loop.
///
/// # Errors
///
/// [`TimeoutError`] if the time was up first.
///
/// # Panics
///
/// The future panics when its body waits outside a loop, and when it is polled after it ended.
///
/// # Cancel safety
///
/// Dropping the future drops the body and runs no clean-up; what that loses is the body's matter.
///
/// ```
/// use ringio::{TimeoutError, time::sleep, timeout};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let slow = timeout(Duration::from_millis(2), sleep(Duration::from_secs(60)));
///     assert_eq!(slow.await, Err(TimeoutError));
///     assert_eq!(timeout(Duration::from_secs(60), async { 7 }).await, Ok(7));
/// });
/// ```
#[doc(alias = "wait_for")]
pub fn timeout<F: Future>(duration: Duration, body: F) -> Timeout<F> {
    Timeout { body: Some(body), started: false, owner: Owner::new(), expiry: sleep(duration) }
}

/// Gives `body` until `deadline`; one in the past does not start the body.
///
/// # Errors
///
/// [`TimeoutError`] if the deadline passed first.
///
/// # Panics
///
/// As [`timeout`].
///
/// # Cancel safety
///
/// Dropping the future drops the body and runs no clean-up; what that loses is the body's matter.
///
/// ```
/// use ringio::{TimeoutError, time::Instant, timeout_at};
///
/// ringio::run(async {
///     let late = timeout_at(Instant::now(), async { unreachable!("it is not started") });
///     assert_eq!(late.await, Err::<(), _>(TimeoutError));
/// });
/// ```
pub fn timeout_at<F: Future>(deadline: Instant, body: F) -> Timeout<F> {
    Timeout { body: Some(body), started: false, owner: Owner::new(), expiry: sleep_until(deadline) }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "the body runs only when the timeout is awaited"]
    pub struct Timeout<F> {
        // Gone once this future has ended.
        #[pin]
        body: Option<F>,
        started: bool,
        owner: Owner,
        expiry: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !*this.started {
            if surroundings() != Stage::Going {
                return Poll::Pending;
            }
            *this.started = true;
            let deadline = this.expiry.begin();
            if deadline <= Instant::now() {
                this.body.set(None);
                return Poll::Ready(Err(TimeoutError));
            }
            this.owner.set_deadline(deadline.as_nanos());
        }
        let expiry = &mut *this.expiry;
        let is_due = |cx: &mut Context<'_>| Pin::new(&mut *expiry).poll(cx).is_ready();
        let ended = ready!(poll_body(this.owner, this.body, cx, is_due));
        this.expiry.disarm();
        Poll::Ready(ended.ok_or(TimeoutError))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("deadline", &self.expiry.deadline())
            .field("ended", &self.body.is_none())
            .finish_non_exhaustive()
    }
}

/// The time was up before the result was there.
///
/// ```
/// let error = std::io::Error::from(ringio::TimeoutError);
/// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutError;

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up before the result was there")
    }
}

impl Error for TimeoutError {}

impl From<TimeoutError> for io::Error {
    fn from(error: TimeoutError) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, error)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, poll_fn, ready};
    use std::rc::Rc;

    use super::*;
    use crate::time::tests::{Flag, Loop, ms, ns};

    /// A body that must not be polled, and says when it is dropped.
    fn never_polled(dropped: &Rc<Cell<bool>>) -> impl Future<Output = ()> + use<> {
        struct OnDrop(Rc<Cell<bool>>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let on_drop = OnDrop(Rc::clone(dropped));
        poll_fn(move |_| {
            let _ = &on_drop;
            panic!("the body was polled")
        })
    }

    #[test]
    fn zero_and_the_past_do_not_start_the_body() {
        let l = Loop::new();
        let dropped = Rc::new(Cell::new(false));
        let now = l.now();
        assert_eq!(l.run(timeout(Duration::ZERO, never_polled(&dropped))), Err(TimeoutError));
        assert!(dropped.take());
        for past in [now, now - ms(1), Instant::from_nanos(0)] {
            assert_eq!(l.run(timeout_at(past, never_polled(&dropped))), Err(TimeoutError));
            assert!(dropped.take());
        }
        // Also a deadline that has passed between the call and the first poll.
        let late = l.run(async {
            let late = timeout(ms(5), never_polled(&dropped));
            l.clock.advance(ms(5));
            late.await
        });
        assert_eq!(late, Err(TimeoutError));
        assert_eq!(l.now() - now, ms(5));
    }

    #[test]
    fn a_body_that_is_ready_costs_no_timer() {
        let l = Loop::new();
        let (_, waker) = Flag::new();
        let mut timeout = timeout_at(l.now() + ms(1), ready(3));
        assert_eq!(l.poll(&mut timeout, &waker), Poll::Ready(Ok(3)));
        assert_eq!(l.timers.len(), 0);
    }

    #[test]
    fn the_end_disarms_though_the_future_is_kept() {
        let l = Loop::new();
        let (_, waker) = Flag::new();
        let mut polls = 0;
        let body = poll_fn(move |_| {
            polls += 1;
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut timeout = timeout_at(l.now() + ms(1), body);
        assert!(l.poll(&mut timeout, &waker).is_pending());
        assert_eq!(l.timers.len(), 1);
        assert_eq!(l.poll(&mut timeout, &waker), Poll::Ready(Ok(())));
        assert_eq!(l.timers.len(), 0);
    }

    #[test]
    fn expiry_drops_the_body_before_it_is_told() {
        let l = Loop::new();
        let body = Rc::new(());
        let watch = Rc::downgrade(&body);
        l.run(async {
            let start = Instant::now();
            let slow = async move {
                let _body = body;
                pending::<()>().await
            };
            assert_eq!(timeout(ms(10), slow).await, Err(TimeoutError));
            assert_eq!(start.elapsed(), ms(10));
            let mut kept = Box::pin(timeout(ms(10), pending::<()>()));
            assert_eq!(kept.as_mut().await, Err(TimeoutError));
            assert!(format!("{kept:?}").contains("ended: true"));
        });
        assert!(watch.upgrade().is_none());
    }

    #[test]
    fn a_result_in_the_same_poll_wins() {
        let l = Loop::new();
        l.run(async {
            // Both timers fire in the same turn.
            assert_eq!(timeout(ms(10), sleep(ms(10))).await, Ok(()));
            assert_eq!(timeout(ms(10), sleep(ms(10) + ns(1))).await, Err(TimeoutError));
        });
        assert_eq!(l.timers.len(), 0);
    }

    #[test]
    fn nested_with_equal_deadlines_the_outer_one_expires() {
        let l = Loop::new();
        l.run(async {
            let at = Instant::now() + ms(10);
            let nested = timeout_at(at, timeout_at(at, pending::<()>()));
            assert_eq!(nested.await, Err(TimeoutError));
            let at = Instant::now() + ms(10);
            let nested = timeout_at(at + ns(1), timeout_at(at, pending::<()>()));
            assert_eq!(nested.await, Ok(Err(TimeoutError)));
            let at = Instant::now() + ms(10);
            let nested = timeout_at(at, timeout_at(at + ns(1), pending::<()>()));
            assert_eq!(nested.await, Err(TimeoutError));
            let forever = timeout(Duration::MAX, timeout(ms(1), pending::<()>()));
            assert_eq!(forever.await, Ok(Err(TimeoutError)));
        });
        assert_eq!(l.timers.len(), 0);
    }

    #[test]
    fn a_dropped_timeout_leaves_nothing() {
        let l = Loop::new();
        let (flag, waker) = Flag::new();
        let mut dropped = timeout_at(l.now() + ms(1), sleep_until(l.now() + ms(2)));
        assert!(l.poll(&mut dropped, &waker).is_pending());
        assert_eq!(l.timers.len(), 2);
        drop(dropped);
        assert_eq!((l.timers.len(), l.advance(ms(5))), (0, 0));
        assert!(!flag.take());
    }

    #[test]
    fn made_outside_a_loop_it_counts_from_the_first_poll() {
        let l = Loop::new();
        let outside = timeout(ms(10), pending::<()>());
        l.clock.advance(ms(50));
        let start = l.now();
        assert_eq!(l.run(outside), Err(TimeoutError));
        assert_eq!(l.now() - start, ms(10));
    }

    #[test]
    #[should_panic(expected = "polled after it ended")]
    fn polled_after_the_end() {
        let l = Loop::new();
        let (_, waker) = Flag::new();
        let mut timeout = timeout(ms(1), ready(()));
        let _ = l.poll(&mut timeout, &waker);
        let _ = l.poll(&mut timeout, &waker);
    }
}
