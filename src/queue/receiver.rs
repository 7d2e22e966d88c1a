//! The end of a channel that takes items out.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::util::budget;
use crate::util::sync::Arc;

use super::channel::Shared;
use super::error::TryGetError;

/// Takes items out of a [`channel`](super::channel()), in order; also as a [`Stream`].
///
/// Dropping it drops the items that nobody has taken; those of senders that wait go back to them.
///
/// # Examples
/// ```
/// use futures_util::StreamExt;
/// let (sender, receiver) = ringio::queue::channel(2);
/// ringio::run(async {
///     sender.send(3).await.unwrap();
///     sender.send(4).await.unwrap();
///     drop(sender);
///     let squares: Vec<i32> = receiver.map(|number| number * number).collect().await;
///     assert_eq!(squares, [9, 16]);
/// });
/// ```
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Unpin for Receiver<T> {}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Receiver<T> {
        Receiver { shared }
    }

    /// How many items can be received at once.
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether nothing can be received at once.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items there is room for in all.
    #[doc(alias = "maxsize")]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let shared = &self.shared;
        budget::limited(cx, |cx| {
            let accepted = match shared.accept(None) {
                Err(TryGetError::Empty) => shared.accept(Some(cx.waker().clone())),
                accepted => accepted,
            };
            match accepted {
                Ok(item) => Poll::Ready(Some(item)),
                Err(TryGetError::ShutDown) => Poll::Ready(None),
                Err(TryGetError::Empty) => Poll::Pending,
            }
        })
    }

    /// Takes the next item if it is there.
    ///
    /// # Errors
    /// [`TryGetError`] when none is there now, or none will come.
    ///
    /// # Examples
    /// ```
    /// use ringio::queue::{TryGetError, channel};
    /// let (sender, mut receiver) = channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryGetError::Empty));
    /// sender.try_send('a').unwrap();
    /// assert_eq!(receiver.try_recv(), Ok('a'));
    /// ```
    #[doc(alias = "get_nowait")]
    pub fn try_recv(&mut self) -> Result<T, TryGetError> {
        self.shared.accept(None)
    }
}

impl<T: Send> Receiver<T> {
    /// The next item, or `None` when all senders are gone and everything was taken.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped: the next call gets what has come.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// ringio::run(async {
    ///     let (sender, mut receiver) = ringio::queue::channel(1);
    ///     let short = ringio::timeout(Duration::from_millis(1), receiver.recv());
    ///     assert!(short.await.is_err());
    ///     sender.send('a').await.unwrap();
    ///     assert_eq!(receiver.recv().await, Some('a'));
    /// });
    /// ```
    #[doc(alias = "get")]
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_recv(cx)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
