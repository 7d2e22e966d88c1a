//! A bound on the time of a test that could hang.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// A test that takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test on a thread of its own and fails when it hangs.
#[track_caller]
pub(crate) fn bounded<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = channel::<()>();
    let thread = thread::spawn(move || {
        let _done = done;
        test()
    });
    // The thread never sends: its end of the channel goes when the test returns or panics.
    assert_ne!(ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Timeout), "the test hangs");
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
