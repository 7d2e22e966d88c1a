//! asyncio for Rust on io_uring.

pub(crate) mod executor;
pub(crate) mod util;

pub use executor::{JoinError, JoinHandle, spawn, yield_now};

/// Tasks: who runs, and by what name.
pub mod task {
    pub use crate::executor::{Builder, Id, Info, all, current};
}
