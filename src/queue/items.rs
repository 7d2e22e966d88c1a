//! Items as they come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::error::GetError;

/// The items of a queue, as a stream that ends when the queue is shut down and, after a
/// [`Drain`](super::Shutdown::Drain), empty. From the `stream` method of each queue.
///
/// Making it allocates once; its items cost what `get` costs.
///
/// # Cancel safety
/// The stream itself is what waits: from a poll that found nothing it stands in line, and keeps its
/// place and the item whose turn it is until it is polled again or dropped. Dropped, it passes
/// them on.
///
/// # Examples
/// ```
/// use futures_util::StreamExt;
/// use ringio::queue::{Queue, Shutdown};
/// ringio::run(async {
///     let queue = Queue::unbounded();
///     for number in 1..=3 {
///         queue.put(number).await.unwrap();
///     }
///     queue.shutdown(Shutdown::Drain);
///     assert_eq!(queue.stream().collect::<Vec<_>>().await, [1, 2, 3]);
/// });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Items<'a, T> {
    /// Of one type for all queues, and pinned, so that the stream may be moved while it waits.
    next: Pin<Box<dyn Future<Output = Result<T, GetError>> + 'a>>,
}

impl<'a, T> Items<'a, T> {
    pub(super) fn new(next: impl Future<Output = Result<T, GetError>> + 'a) -> Items<'a, T> {
        Items { next: Box::pin(next) }
    }
}

impl<T> Stream for Items<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.next.as_mut().poll(cx).map(Result::ok)
    }
}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}
