//! Why something was not put in or not got out.

use std::error::Error;
use std::fmt;

/// Nobody will ever take the item; it is given back.
///
/// # Examples
/// ```
/// use ringio::queue::{PutError, channel};
/// ringio::run(async {
///     let (sender, receiver) = channel(1);
///     drop(receiver);
///     assert_eq!(sender.send("kept").await, Err(PutError("kept")));
/// });
/// ```
#[doc(alias = "QueueShutDown")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PutError<T>(
    /// What was to be put.
    pub T,
);

impl<T> PutError<T> {
    /// What was to be put.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutError(..)")
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody takes anything any more")
    }
}

impl<T> Error for PutError<T> {}

/// Why an item was not put at once; it is given back.
///
/// # Examples
/// ```
/// use ringio::queue::{TryPutError, channel};
/// let (sender, receiver) = channel(1);
/// assert_eq!(sender.try_send(1), Ok(()));
/// assert_eq!(sender.try_send(2), Err(TryPutError::Full(2)));
/// drop(receiver);
/// assert_eq!(sender.try_send(3), Err(TryPutError::ShutDown(3)));
/// ```
#[doc(alias = "QueueFull")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// There is no room now, or others wait for it.
    Full(T),
    /// Nobody will ever take it.
    ShutDown(T),
}

impl<T> TryPutError<T> {
    /// What was to be put.
    pub fn into_inner(self) -> T {
        match self {
            TryPutError::Full(item) | TryPutError::ShutDown(item) => item,
        }
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::Full(_) => "Full(..)",
            TryPutError::ShutDown(_) => "ShutDown(..)",
        })
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::Full(_) => "there is no room",
            TryPutError::ShutDown(_) => "nobody takes anything any more",
        })
    }
}

impl<T> Error for TryPutError<T> {}

/// Why nothing was got at once.
///
/// # Examples
/// ```
/// use ringio::queue::{TryGetError, channel};
/// let (sender, mut receiver) = channel::<u8>(1);
/// assert_eq!(receiver.try_recv(), Err(TryGetError::Empty));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryGetError::ShutDown));
/// ```
#[doc(alias = "QueueEmpty")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryGetError {
    /// Nothing is there now.
    Empty,
    /// Nothing is there, and nothing will come.
    ShutDown,
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryGetError::Empty => "nothing is there",
            TryGetError::ShutDown => "nothing is there, and nothing will come",
        })
    }
}

impl Error for TryGetError {}

/// The queue was shut down, and nothing is left in it.
///
/// # Examples
/// ```
/// use ringio::queue::{GetError, Queue, Shutdown};
/// ringio::run(async {
///     let queue = Queue::<u8>::bounded(1);
///     queue.shutdown(Shutdown::Drain);
///     assert_eq!(queue.get().await, Err(GetError));
/// });
/// ```
#[doc(alias = "QueueShutDown")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetError;

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue was shut down, and nothing is left in it")
    }
}

impl Error for GetError {}

/// More items were reported as done than were put.
///
/// # Examples
/// ```
/// use ringio::queue::{Queue, TooManyDone};
/// let queue = Queue::unbounded();
/// queue.try_put(1).unwrap();
/// assert_eq!(queue.task_done(), Ok(()));
/// assert_eq!(queue.task_done(), Err(TooManyDone));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyDone;

impl fmt::Display for TooManyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more items were reported as done than were put")
    }
}

impl Error for TooManyDone {}
