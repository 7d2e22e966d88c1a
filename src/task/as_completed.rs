//! Many futures, in the order in which they end.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::executor::Parts;
use crate::util::budget;

/// Runs futures at once and gives their outputs as they come: a stream.
///
/// They run in the caller's task, while it awaits the stream, and may borrow from it; they
/// begin with its first poll. Each is polled when it was woken itself, whatever their number. To leave
/// the stream and come back to it loses nothing.
///
/// ```
/// use futures_util::StreamExt;
/// use ringio::{as_completed, time::sleep};
/// use std::time::Duration;
///
/// ringio::run(async {
///     let mut slept = as_completed([5, 1, 3].map(async |ms| {
///         sleep(Duration::from_millis(ms)).await;
///         ms
///     }));
///     assert_eq!(slept.next().await, Some(1));
///     assert_eq!(slept.collect::<Vec<_>>().await, [3, 5]);
/// });
/// ```
///
/// # Panics
/// The stream panics with the panic of a future, and where it begins if no loop runs there.
///
/// # Cancel safety
/// Dropping a wait for the next output loses nothing. Dropping the stream drops the futures.
#[doc(alias = "FuturesUnordered")]
pub fn as_completed<I>(futures: I) -> AsCompleted<I::Item>
where
    I: IntoIterator,
    I::Item: Future,
{
    AsCompleted { state: State::Idle(futures.into_iter().collect()) }
}

/// The stream of [`as_completed`].
#[must_use = "the futures run only while the stream is awaited"]
pub struct AsCompleted<F: Future> {
    state: State<F>,
}

enum State<F: Future> {
    Idle(Vec<F>),
    Running(Parts<F>),
    Ended,
}

// The futures never move once they are polled: they have blocks of their own.
impl<F: Future> Unpin for AsCompleted<F> {}

impl<F: Future> Stream for AsCompleted<F> {
    type Item = F::Output;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        if let State::Idle(futures) = &mut self.state {
            let futures = std::mem::take(futures);
            self.state = State::Running(Parts::new(futures));
        }
        let State::Running(parts) = &mut self.state else { return Poll::Ready(None) };
        let polled =
            budget::limited(cx, |cx| parts.poll(cx, |ended| ControlFlow::Break(ended.take())));
        if let Poll::Ready(None) = polled {
            self.state = State::Ended;
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.state {
            State::Idle(futures) => futures.len(),
            State::Running(parts) => parts.running(),
            State::Ended => 0,
        };
        (left, Some(left))
    }
}

impl<F: Future> fmt::Debug for AsCompleted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.size_hint().0).finish()
    }
}
