//! asyncio for Rust on io_uring.

pub(crate) mod util;
