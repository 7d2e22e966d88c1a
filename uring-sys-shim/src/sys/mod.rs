//! Plain system calls, for what the ring lacks on older kernels or altogether.
//!
//! Descriptors are bare numbers here, as they are in SQEs: one that is not open is answered with
//! `EBADF`, and whoever passes one says that it is theirs to use.

mod address;
mod descriptor;
pub mod signal;
mod socket;

pub use address::Address;
pub use descriptor::{close, duplicate, eventfd, eventfd_write};
pub use socket::{
    bind, getpeername, getsockname, getsockopt, listen, option, set_option, setsockopt, shutdown,
    socket,
};
