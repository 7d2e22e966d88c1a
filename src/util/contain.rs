//! Panics of user code end here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send + 'static>;

/// Runs user code and hands back its panic.
///
/// Unwind safety is asserted: what the code touched is either its own or made of cells that are
/// consistent whenever user code runs.
#[inline]
pub(crate) fn catch<R>(code: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(code))
}

/// Runs user code whose panic nobody is there to see: a destructor, a foreign waker.
#[inline]
pub(crate) fn contain(code: impl FnOnce()) {
    if let Err(payload) = catch(code) {
        discard(payload);
    }
}

/// Drops a payload, which may panic in turn; the second payload is leaked rather than tried.
#[cold]
pub(crate) fn discard(payload: Payload) {
    if let Err(second) = catch(|| drop(payload)) {
        std::mem::forget(second);
    }
}

/// The words of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a value that is not a string"
    }
}
