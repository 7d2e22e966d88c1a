//! One value, from one task to another.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::error::RecvError;
use super::wait_queue::{Gate, WaitQueue};
use crate::util::budget;
use crate::util::contain::contain;
use crate::util::leave::leave;

/// Two ends: what is sent into one comes out of the other, once.
///
/// # Examples
/// ```
/// use ringio::sync::oneshot;
/// ringio::run(async {
///     let (sender, receiver) = oneshot::channel();
///     drop(ringio::spawn(async { sender.send("done") }));
///     assert_eq!(receiver.await, Ok("done"));
/// });
/// ```
#[doc(alias = "Future")]
#[doc(alias = "create_future")]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: Cell::new(None),
        waker: Cell::new(None),
        is_sent: Cell::new(false),
        is_closed: Cell::new(false),
        closed: WaitQueue::new(),
    });
    (Sender(shared.clone()), Receiver(shared))
}

/// The end of a [`channel`] that a value goes into.
///
/// Dropped without one, the receiver gets [`RecvError`].
///
/// # Examples
/// ```
/// # use ringio::sync::oneshot;
/// let (sender, mut receiver) = oneshot::channel();
/// assert!(!sender.is_closed());
/// assert_eq!(sender.send('a'), Ok(()));
/// assert_eq!(receiver.try_recv(), Ok(Some('a')));
/// ```
#[doc(alias = "set_result")]
pub struct Sender<T>(Rc<Shared<T>>);

/// The end of a [`channel`] that the value comes out of: a future.
///
/// # Cancel safety
/// It may be polled by reference and given up in between. If it is dropped, the value is dropped, or
/// given back to whoever sends it later.
///
/// # Examples
/// ```
/// # use ringio::sync::oneshot;
/// # use std::time::Duration;
/// # ringio::run(async {
/// let (sender, mut receiver) = oneshot::channel();
/// assert!(ringio::timeout(Duration::from_millis(1), &mut receiver).await.is_err());
/// sender.send(1).unwrap();
/// assert_eq!(receiver.await, Ok(1));
/// # });
/// ```
pub struct Receiver<T>(Rc<Shared<T>>);

struct Shared<T> {
    value: Cell<Option<T>>,
    /// The receiver's. It may move between its polls and has no place in a line, nor needs one: it is
    /// alone.
    waker: Cell<Option<Waker>>,
    /// Whether the sender is gone, with or without a value.
    is_sent: Cell<bool>,
    /// Whether the receiver takes nothing any more.
    is_closed: Cell<bool>,
    /// Who waits for that.
    closed: WaitQueue<()>,
}

impl<T> Sender<T> {
    /// Sends the value.
    ///
    /// # Errors
    /// The value, if the receiver is gone or closed.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::oneshot;
    /// let (sender, receiver) = oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send(1), Err(1));
    /// ```
    pub fn send(self, value: T) -> Result<(), T> {
        if self.0.is_closed.get() {
            return Err(value);
        }
        self.0.value.set(Some(value));
        // The sender is dropped, which wakes.
        Ok(())
    }

    /// Whether the receiver is gone or closed.
    #[doc(alias = "cancelled")]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed.get()
    }

    /// Waits until the receiver is gone or closed: nobody needs the value any more.
    ///
    /// # Cancel safety
    /// Nothing is lost by a drop.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::oneshot;
    /// # ringio::run(async {
    /// let (sender, receiver) = oneshot::channel::<u8>();
    /// let task = ringio::spawn(async move { sender.closed().await });
    /// drop(receiver);
    /// task.await.unwrap();
    /// # });
    /// ```
    #[doc(alias = "add_done_callback")]
    pub async fn closed(&self) {
        self.0.closed.wait(&*self.0, ()).await;
    }

    /// How many wait for the receiver to close.
    pub fn waiters(&self) -> usize {
        self.0.closed.len()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.is_sent.set(true);
        if let Some(waker) = self.0.waker.take() {
            contain(|| waker.wake());
        }
    }
}

impl<T> Receiver<T> {
    /// The value, if it is there.
    ///
    /// # Errors
    /// [`RecvError`] if none will come.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::oneshot;
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Ok(None));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(Some(1)));
    /// assert!(receiver.try_recv().is_err());
    /// ```
    #[doc(alias = "result")]
    pub fn try_recv(&mut self) -> Result<Option<T>, RecvError> {
        match self.0.take() {
            Poll::Ready(value) => value.map(Some),
            Poll::Pending => Ok(None),
        }
    }

    /// Takes nothing any more; what was sent before can still be received.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::oneshot;
    /// let (sender, mut receiver) = oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send(1), Err(1));
    /// ```
    #[doc(alias = "cancel")]
    pub fn close(&mut self) {
        self.0.close();
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    /// Polled again after it has given the value, it gives [`RecvError`].
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        budget::limited(cx, |cx| {
            let shared = &self.0;
            let ready = shared.take();
            if ready.is_ready() {
                return ready;
            }
            leave(&shared.waker, cx.waker());
            // That was foreign code, which may have sent.
            shared.take()
        })
    }
}

impl<T> Unpin for Receiver<T> {}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
        // The value and the waker are foreign, and go last.
        let _value = self.0.value.take();
        let _waker = self.0.waker.take();
    }
}

impl<T> Shared<T> {
    fn take(&self) -> Poll<Result<T, RecvError>> {
        match self.value.take() {
            Some(value) => Poll::Ready(Ok(value)),
            None if self.is_sent.get() || self.is_closed.get() => Poll::Ready(Err(RecvError)),
            None => Poll::Pending,
        }
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.closed.choose_all();
        self.closed.wake_chosen();
    }
}

impl<T> Gate<()> for Shared<T> {
    fn pass(&self, (): ()) -> Result<(), ()> {
        if self.is_closed.get() { Ok(()) } else { Err(()) }
    }

    fn left(&self, (): (), _chosen: bool) {}
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("sent", &self.0.is_sent.get())
            .field("closed", &self.0.is_closed.get())
            .finish_non_exhaustive()
    }
}
