//! Bounding how long a future may take.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use pin_project_lite::pin_project;

use crate::time::{Instant, Sleep, sleep, sleep_until};

/// Gives `body` the time `duration`, counted from this call.
///
/// A duration of zero does not start the body. When the time is up the body is dropped, and only
/// then the error given; a result that is ready in the same poll wins. A body that is ready at
/// once costs no timer. The time counts from the first poll if the call is made outside a loop.
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
/// Dropping the future drops the body; what that loses is the body's matter.
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
    Timeout { body: Some(body), started: false, expiry: sleep(duration) }
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
/// Dropping the future drops the body; what that loses is the body's matter.
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
    Timeout { body: Some(body), started: false, expiry: sleep_until(deadline) }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "the body runs only when the timeout is awaited"]
    pub struct Timeout<F> {
        // Gone once this future has ended.
        #[pin]
        body: Option<F>,
        started: bool,
        expiry: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let body = this.body.as_mut().as_pin_mut().expect("a timeout was polled after it ended");
        let in_time = *this.started || !this.expiry.is_due();
        *this.started = true;
        let result = if !in_time {
            Err(TimeoutError)
        } else if let Poll::Ready(output) = body.poll(cx) {
            Ok(output)
        } else {
            ready!(Pin::new(&mut *this.expiry).poll(cx));
            Err(TimeoutError)
        };
        this.expiry.disarm();
        this.body.set(None);
        Poll::Ready(result)
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
