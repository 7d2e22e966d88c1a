//! Streams: moving bytes between connections.

mod copy;

pub use copy::{copy, copy_bidirectional};
