//! Streams: moving bytes between connections.

mod copy;
mod flow;

pub use copy::{copy, copy_bidirectional};
