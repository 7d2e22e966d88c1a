//! Floor 4: the completion-based transports. A transport **owns** its operations; a future only
//! waits for the transport. What nobody awaits parks, and the next call gets it.

mod bulk;
mod close;
mod listener;
mod own_read;
mod read_future;
mod receiver;
mod stream;
#[cfg(test)]
mod tests;
mod write_future;
mod write_queue;
mod writer;

pub(crate) use bulk::Spliced;
pub(crate) use listener::{Accepted, Accepting, Listener};
pub(crate) use read_future::{ReadExact, ReadInto};
pub(crate) use stream::Stream;
pub(crate) use write_future::{write, write_all, write_vectored};
