//! The end of a channel that puts items in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::util::budget;
use crate::util::sync::Arc;

use super::channel::{Shared, Ticket};
use super::error::{PutError, TryPutError};

/// Puts items into a [`channel`](super::channel()); clones put into the same.
///
/// Once all are dropped the receiver gets what is left, and then `None`.
///
/// # Examples
/// ```
/// let (sender, mut receiver) = ringio::queue::channel(2);
/// let other = sender.clone();
/// std::thread::spawn(move || other.try_send("from a thread")).join().unwrap().unwrap();
/// drop(sender);
/// ringio::run(async {
///     assert_eq!(receiver.recv().await, Some("from a thread"));
///     assert_eq!(receiver.recv().await, None);
/// });
/// ```
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// For whom `senders` has counted one.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Sender<T> {
        Sender { shared }
    }

    /// How many items are in the channel and can be received at once.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = ringio::queue::channel(2);
    /// sender.try_send('a').unwrap();
    /// assert_eq!((sender.len(), sender.capacity()), (1, 2));
    /// ```
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether nothing is in the channel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items there is room for in all.
    #[doc(alias = "maxsize")]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Whether the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = ringio::queue::channel::<u8>(1);
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }
}

impl<T: Send> Sender<T> {
    /// Puts an item in, waiting for room if there is none.
    ///
    /// Items of one sender arrive in the order of the first polls; who waits is let in first come
    /// first served.
    ///
    /// # Errors
    /// [`PutError`] with the item when the receiver is gone.
    ///
    /// # Cancel safety
    /// A future that is dropped while it waits for room takes its item back and drops it. Once
    /// there was room the item is in the channel, also if the future is dropped before it could
    /// say so.
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let (sender, mut receiver) = ringio::queue::channel(1);
    ///     let task = ringio::spawn(async move {
    ///         sender.send(1).await.unwrap();
    ///         sender.send(2).await.unwrap(); // waits for room
    ///     });
    ///     assert_eq!(receiver.recv().await, Some(1));
    ///     assert_eq!(receiver.recv().await, Some(2));
    ///     task.await.unwrap();
    /// });
    /// ```
    #[doc(alias = "put")]
    pub async fn send(&self, item: T) -> Result<(), PutError<T>> {
        Put { shared: &self.shared, stage: Stage::Has(item) }.await
    }

    /// Puts an item in if there is room now.
    ///
    /// # Errors
    /// [`TryPutError`] with the item when there is no room, or the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// use ringio::queue::{TryPutError, channel};
    /// let (sender, receiver) = channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TryPutError::Full(2)));
    /// # drop(receiver);
    /// ```
    #[doc(alias = "put_nowait")]
    pub fn try_send(&self, item: T) -> Result<(), TryPutError<T>> {
        self.shared.offer(item, None).map(drop)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Sender { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.remove_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// An item on its way into a channel.
struct Put<'a, T> {
    shared: &'a Shared<T>,
    stage: Stage<T>,
}

enum Stage<T> {
    Has(T),
    InLine(Ticket),
    Over,
}

impl<T> Unpin for Put<'_, T> {}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), PutError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        budget::limited(cx, |cx| self.poll_put(cx))
    }
}

impl<T> Put<'_, T> {
    fn poll_put(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PutError<T>>> {
        let ticket = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Has(item) => match self.shared.offer(item, None) {
                Err(TryPutError::Full(item)) => {
                    let offered = self.shared.offer(item, Some(cx.waker().clone()));
                    offered.map_err(TryPutError::into_inner)
                }
                offered => offered.map_err(TryPutError::into_inner),
            },
            Stage::InLine(ticket) => self.shared.stay(ticket, cx.waker().clone()),
            Stage::Over => Ok(None),
        };
        match ticket {
            Ok(None) => Poll::Ready(Ok(())),
            Ok(Some(ticket)) => {
                self.stage = Stage::InLine(ticket);
                Poll::Pending
            }
            Err(item) => Poll::Ready(Err(PutError(item))),
        }
    }
}

impl<T> Drop for Put<'_, T> {
    fn drop(&mut self) {
        if let Stage::InLine(ticket) = self.stage {
            self.shared.leave(ticket);
        }
    }
}
