//! Pools of a user's own.

use std::sync::Arc;

use super::pool::Pool;
use super::thread_job::ThreadJob;

/// Threads for functions that block, bounded in number: what does not fit stands in line.
///
/// The threads are named `ringio-pool`. They start when they are needed and end when they had
/// nothing to do for 10 s, or when the pool is dropped: jobs that somebody still awaits are done
/// before that.
///
/// ```
/// let disk = ringio::ThreadPool::new(2);
/// ringio::run(async {
///     let sizes = ["/proc/self/stat", "/proc/self/comm"].map(|path| {
///         disk.run(move || std::fs::read(path).map(|bytes| bytes.len()))
///     });
///     for size in sizes {
///         assert!(size.await.unwrap().unwrap() > 0);
///     }
/// });
/// ```
#[derive(Debug)]
#[doc(alias = "ThreadPoolExecutor")]
pub struct ThreadPool {
    pool: Arc<Pool>,
}

impl ThreadPool {
    /// A pool of at most `n` threads, at least one. It has none yet.
    pub fn new(n: usize) -> ThreadPool {
        ThreadPool { pool: Pool::new("ringio-pool", n.max(1)) }
    }

    /// Runs a function on one of the threads, first come first served; see [`ThreadJob`]. It is in
    /// the queue when this returns.
    ///
    /// The end of a loop waits for up to 30 s for jobs that were begun from it.
    ///
    /// # Examples
    /// ```
    /// let pool = ringio::ThreadPool::new(1);
    /// let answer = ringio::run(async { pool.run(|| 6 * 7).await });
    /// assert_eq!(answer.unwrap(), 42);
    /// ```
    #[doc(alias = "run_in_executor")]
    pub fn run<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> ThreadJob<T> {
        ThreadJob::of_loop(&self.pool, f)
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.pool.close();
    }
}
