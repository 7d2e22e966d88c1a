//! `run`, without a runner of one's own.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use super::{Builder, RunError};

static DEFAULT: Mutex<Option<Builder>> = Mutex::new(None);

/// Makes a loop, runs a future on it, and ends the loop in order.
///
/// # Panics
/// With the panic of the future; inside a running loop ([`Runner::run`](super::Runner::run) gives
/// an error instead); and when no ring can be made, with the words of [`doctor`](crate::doctor).
///
/// # Examples
/// ```
/// let answer = ringio::run(async { 6 * 7 });
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
pub fn run<F: Future>(future: F) -> F::Output {
    if crate::driver::current::get().is_some() {
        panic!("{}", RunError::Nested);
    }
    let builder = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut runner = match builder.unwrap_or_default().build() {
        Ok(runner) => runner,
        Err(error) => panic!("{error}"),
    };
    match runner.run(future) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    }
}

/// Sets what [`run`] makes its loops with.
///
/// # Examples
/// ```
/// ringio::set_default_builder(ringio::Runner::builder().entries(128));
/// assert_eq!(ringio::run(async { 1 }), 1);
/// ```
#[doc(alias = "set_event_loop_policy")]
pub fn set_default_builder(builder: Builder) {
    *DEFAULT.lock().unwrap_or_else(PoisonError::into_inner) = Some(builder);
}
