#![doc = include_str!("../README.md")]

mod blocking;
pub mod buf;
#[cfg(doctest)]
mod chapters;
pub mod cores;
mod driver;
mod event_loop;
mod executor;
pub mod net;
pub mod op;
pub mod queue;
mod runner;
mod runtime;
pub mod signal;
pub mod stream;
pub mod sync;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
mod transport;
mod util;

pub use blocking::{ThreadJob, ThreadPool, to_thread};
pub use buf::{BufResult, Chunk};
pub use cores::{Core, Cores, CoresError};
pub use event_loop::{EventLoop, event_loop};
pub use executor::{JoinError, JoinHandle, spawn, yield_now};
pub use runner::{Builder, RunError, Runner, run, set_default_builder};
pub use runtime::{
    ExceptionContext, LoopClosed, RemoteError, RemoteHandle, RemoteJoin, Stats, stats,
};
#[doc(hidden)]
pub use task::macros as __macros;
pub use task::{
    AsCompleted, Child, GroupError, Shield, TaskGroup, Until, Waited, as_completed, gather, shield,
    task_group, try_gather, wait,
};
pub use task::{CancelScope, Cancelled, LocalKey, cancel_scope, on_cancel};
pub use task::{Timeout, TimeoutError, TimeoutScope, timeout, timeout_at, timeout_scope};
pub use uring_sys_shim::{Support, doctor, support};
