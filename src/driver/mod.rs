//! Floor 2: the ring, operations in flight, routing of completions, cancellation, kernel-filled
//! buffers, and wake-up from other threads.
//!
//! The driver knows neither tasks nor sockets: for it there are operations, and behind each one
//! either a [`Waker`](std::task::Waker) or a [`Sink`].

mod cancel;
mod chunk;
mod complete;
mod config;
mod core;
mod counters;
pub(crate) mod current;
mod descriptor;
mod linger;
mod op_table;
mod parked;
mod pipes;
mod pool;
mod read_ahead;
mod shutdown;
mod spin;
mod starved;
mod submit;
mod unpark;

pub use self::chunk::Chunk;
pub(crate) use self::core::Driver;
pub(crate) use complete::{Routing, Sink};
pub(crate) use config::Config;
pub(crate) use descriptor::Descriptor;
pub(crate) use linger::Linger;
pub(crate) use op_table::{Completion, OpKey};
pub(crate) use pipes::Pipe;
pub(crate) use read_ahead::ReadAhead;
pub(crate) use spin::{Source, Spin};
pub(crate) use starved::{Resume, Turn};
pub(crate) use submit::closed_error;
pub(crate) use unpark::Unpark;
