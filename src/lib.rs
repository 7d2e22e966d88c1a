//! asyncio for Rust on io_uring.

pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub(crate) mod util;

pub use task::{Timeout, TimeoutError, timeout, timeout_at};
