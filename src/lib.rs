#![doc = include_str!("../README.md")]

pub mod buf;
#[cfg(doctest)]
mod chapters;
pub mod cores;
mod driver;
mod executor;
pub mod net;
pub mod op;
mod runner;
mod runtime;
pub mod signal;
pub mod stream;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
mod transport;
mod util;

pub use buf::{BufResult, Chunk};
pub use cores::{Core, Cores, CoresError};
pub use executor::{JoinError, JoinHandle, spawn, yield_now};
pub use runner::{Builder, ExceptionContext, RunError, Runner, run, set_default_builder};
pub use runtime::{LoopClosed, RemoteError, RemoteHandle, RemoteJoin, Stats, stats};
pub use task::{CancelScope, Cancelled, cancel_scope, on_cancel};
pub use task::{Timeout, TimeoutError, TimeoutScope, timeout, timeout_at, timeout_scope};
pub use uring_sys_shim::{Support, doctor, support};
