//! Operations: one a file. A one-shot operation is a future ([`Submit`]) that owns its memory and
//! hands it to the driver when it is dropped in flight; a transport's operations are submitted to
//! its [`Sink`](crate::driver::Sink).

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
pub(crate) use submit::{Operation, Submit, submit_now};
