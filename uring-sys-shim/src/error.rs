//! [`SetupError`]: why the kernel gives no ring, and what the operator can change about it.

use std::error::Error;
use std::fmt;
use std::io;

use crate::circumstances::Circumstances;
use crate::setup::Setup;

/// A refusal to make a ring, in words; it is inside the `io::Error` that set-up returns.
///
/// ```
/// use uring_sys_shim::{KernelRing, Setup, SetupError};
///
/// if let Err(error) = KernelRing::new(&Setup::default()) {
///     if let Some(refusal) = error.get_ref().and_then(|inner| inner.downcast_ref::<SetupError>()) {
///         println!("{}\nTo mend it: {}", refusal.cause(), refusal.remedy());
///     }
/// }
/// ```
#[derive(Debug)]
pub struct SetupError {
    cause: String,
    remedy: String,
    source: io::Error,
}

impl SetupError {
    /// What stands in the way.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What to change.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot make an io_uring ({}): {}; {}", self.source, self.cause, self.remedy)
    }
}

impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Puts words to a failed set-up, of which `setup` was the smallest attempt.
pub(crate) fn explain(source: io::Error, setup: &Setup) -> io::Error {
    let Some(errno) = source.raw_os_error() else {
        return source;
    };
    let (kind, cause, remedy) = Circumstances::now(setup).diagnose(errno, &source);
    io::Error::new(kind, SetupError { cause, remedy, source })
}
