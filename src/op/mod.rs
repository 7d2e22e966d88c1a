//! Operations: one a file.
//!
//! A one-shot operation is a future that owns its memory and hands it to the driver when it is
//! dropped in flight. A transport's operations belong to the transport, which takes in their
//! completions.

pub(crate) mod accept;
pub(crate) mod connect;
mod listen;
mod nop;
pub(crate) mod poll;
pub(crate) mod recv;
pub(crate) mod send;
pub(crate) mod setsockopt;
pub(crate) mod shutdown;
mod sockaddr;
mod socket;
mod submit;

pub(crate) use connect::connect;
pub(crate) use listen::{bind, listen};
pub use nop::{Nop, nop};
pub(crate) use setsockopt::set_option;
pub(crate) use sockaddr::SockAddr;
pub(crate) use socket::{SocketKind, socket};
pub(crate) use submit::{Operation, Submit};
