//! Why something is not to be had.

use std::error::Error;
use std::fmt;

/// More permits were released than a [`Semaphore`](super::Semaphore) can have; none was added.
///
/// # Examples
/// ```
/// let semaphore = ringio::sync::Semaphore::bounded(2);
/// let error = semaphore.release(1).unwrap_err();
/// assert_eq!(error.to_string(), "released 1 to a semaphore that has 2 of at most 2 permits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverRelease {
    pub(super) released: usize,
    pub(super) available: usize,
    pub(super) bound: usize,
}

impl fmt::Display for OverRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OverRelease { released, available, bound } = self;
        write!(
            f,
            "released {released} to a semaphore that has {available} of at most {bound} permits"
        )
    }
}

impl Error for OverRelease {}

/// A [`Barrier`](super::Barrier) was aborted, or reset while one waited at it.
///
/// # Examples
/// ```
/// use ringio::sync::{Barrier, BrokenBarrier};
/// ringio::run(async {
///     let barrier = Barrier::new(2);
///     barrier.abort();
///     assert_eq!(barrier.wait().await, Err(BrokenBarrier));
/// });
/// ```
#[doc(alias = "BrokenBarrierError")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenBarrier;

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier was aborted or reset")
    }
}

impl Error for BrokenBarrier {}

/// Nothing will ever come: the sending end is gone.
///
/// # Examples
/// ```
/// use ringio::sync::{RecvError, oneshot};
/// ringio::run(async {
///     let (sender, receiver) = oneshot::channel::<u8>();
///     drop(sender);
///     assert_eq!(receiver.await, Err(RecvError));
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender is gone")
    }
}

impl Error for RecvError {}
