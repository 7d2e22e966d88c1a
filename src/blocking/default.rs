//! The pool that all loops share.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use super::pool::Pool;
use super::thread_job::ThreadJob;

/// Most threads of the default pool, as of asyncio's default executor: a few more than there are
/// CPUs, and no more than this.
const MOST: usize = 32;

static DEFAULT: LazyLock<Arc<Pool>> = LazyLock::new(|| {
    let cpus = available_parallelism().map_or(1, usize::from);
    Pool::new("ringio-thread", (cpus + 4).min(MOST))
});

/// Runs a function that blocks on a thread of the default pool; see [`ThreadJob`]. It is in the
/// queue when this returns.
///
/// All loops of the process share that pool. It has at most as many threads as there are CPUs and
/// four more, 32 in all; whoever needs others makes a [`ThreadPool`](super::ThreadPool). Name
/// look-ups have threads of their own. Values of [`task_local!`](crate::task_local) stay with their
/// tasks: the function sees none of them.
///
/// The end of a loop waits for up to 30 s for jobs that were begun from it.
///
/// # Examples
/// ```
/// ringio::run(async {
///     let lines = ringio::to_thread(|| std::io::read_to_string(std::io::empty()));
///     assert_eq!(lines.await.unwrap().unwrap(), "");
/// });
/// ```
#[doc(alias = "run_in_executor")]
#[doc(alias = "spawn_blocking")]
pub fn to_thread<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> ThreadJob<T> {
    ThreadJob::of_loop(&DEFAULT, f)
}
