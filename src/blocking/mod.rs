//! Floor 3: functions that block, on threads of their own.
//!
//! - [`pool`]: threads that take jobs off a queue. There is one pool for all loops, one for name
//!   look-ups, and those that users make; a slow disk never delays a look-up.
//! - [`thread_job`]: the outcome of one job, as a future.
//! - [`open_jobs`]: how many jobs a loop has still out, so that its end can wait for them.

mod default;
pub(crate) mod open_jobs;
mod pool;
mod thread_job;
mod thread_pool;

pub use default::to_thread;
pub use thread_job::ThreadJob;
pub use thread_pool::ThreadPool;

pub(crate) use open_jobs::OpenJobs;
pub(crate) use pool::Pool;
