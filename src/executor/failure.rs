//! Outputs that say that their task has failed.
//!
//! Of a spawned task's output nothing is known but that it is `'static`: `spawn` asks for no more, and
//! whether a type is a `Result`, or an error can be printed, cannot be asked where it may be any. So the
//! results that tasks commonly give are known by name, which the compiler decides for each task when it
//! is built; who fails with errors of another kind says so by
//! [`JoinHandle::report_errors`](super::JoinHandle::report_errors).

use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;

use super::join_error::JoinError;
use crate::util::contain::{catch, discard};

/// Looks at each `Result` of these values and these errors.
macro_rules! known {
    ($output:expr, $values:tt, [$($error:ty),* $(,)?]) => {
        $(known!(@ $output, $values, $error);)*
    };
    (@ $output:expr, [$($value:ty),*], $error:ty) => {
        $(if let Some(result) = $output.downcast_ref::<Result<$value, $error>>() {
            return result.as_ref().err().map(|error| words(|| error.story()));
        })*
    };
}

/// The words of the error, if the output is one of the known results and an `Err`.
#[inline]
pub(crate) fn of<T: 'static>(output: &T) -> Option<String> {
    let output: &dyn Any = output;
    known!(
        output,
        [(), Infallible, bool, u64, usize, String, Vec<u8>],
        [
            io::Error,
            Box<dyn Error>,
            Box<dyn Error + Send>,
            Box<dyn Error + Send + Sync>,
            String,
            &'static str,
            fmt::Error,
            JoinError,
        ]
    );
    None
}

/// What the error says of itself; printing it is user code.
pub(super) fn words(print: impl FnOnce() -> String) -> String {
    catch(print).unwrap_or_else(|payload| {
        discard(payload);
        "an error that panics when it is printed".to_owned()
    })
}

/// An error with its causes, in one line.
trait Story {
    fn story(&self) -> String;
}

macro_rules! plain {
    ($($error:ty),*) => { $(impl Story for $error {
        fn story(&self) -> String {
            self.to_string()
        }
    })* };
}

macro_rules! with_causes {
    ($($error:ty),*) => { $(impl Story for $error {
        fn story(&self) -> String {
            let mut story = self.to_string();
            let mut cause = self.source();
            while let Some(error) = cause {
                story.push_str(": ");
                story.push_str(&error.to_string());
                cause = error.source();
            }
            story
        }
    })* };
}

plain!(String, &'static str, fmt::Error, JoinError);
with_causes!(io::Error, Box<dyn Error>, Box<dyn Error + Send>, Box<dyn Error + Send + Sync>);
