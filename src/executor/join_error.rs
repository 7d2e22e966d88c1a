//! Why a task has no output.

use std::any::Any;
use std::error::Error;
use std::fmt;

use crate::util::contain::message;

/// What awaiting a [`JoinHandle`](super::JoinHandle) gives when its task did not return.
///
/// ```
/// ringio::run(async {
///     let task = ringio::spawn(std::future::pending::<()>());
///     task.cancel();
///     assert!(task.await.unwrap_err().is_cancelled());
/// });
/// ```
#[doc(alias = "CancelledError")]
#[non_exhaustive]
pub enum JoinError {
    /// It was cancelled, or its loop ended first.
    Cancelled,
    /// It panicked; the value is the panic's payload.
    Panicked(Box<dyn Any + Send + 'static>),
}

impl JoinError {
    /// Whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled)
    }

    /// Whether the task panicked.
    ///
    /// ```
    /// ringio::run(async {
    ///     let task = ringio::spawn(async { panic!("as the example wants") });
    ///     let error: ringio::JoinError = task.await.unwrap_err();
    ///     assert!(error.is_panic() && !error.is_cancelled());
    /// });
    /// ```
    pub fn is_panic(&self) -> bool {
        matches!(self, JoinError::Panicked(_))
    }

    /// The panic's payload, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// If the task did not panic: ask [`is_panic`](JoinError::is_panic) first.
    ///
    /// ```
    /// ringio::run(async {
    ///     let task = ringio::spawn(async { panic!("as the example wants") });
    ///     let error: ringio::JoinError = task.await.unwrap_err();
    ///     let payload = error.into_panic();
    ///     assert_eq!(payload.downcast_ref::<&str>(), Some(&"as the example wants"));
    /// });
    /// ```
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self {
            JoinError::Panicked(payload) => payload,
            JoinError::Cancelled => panic!("JoinError::into_panic: the task was cancelled"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Cancelled => f.write_str("Cancelled"),
            JoinError::Panicked(payload) => {
                f.debug_tuple("Panicked").field(&message(&**payload)).finish()
            }
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Cancelled => f.write_str("the task was cancelled"),
            JoinError::Panicked(payload) => write!(f, "the task panicked: {}", message(&**payload)),
        }
    }
}

impl Error for JoinError {}
