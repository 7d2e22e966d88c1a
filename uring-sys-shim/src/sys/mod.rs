//! Plain system calls, for what the ring lacks on older kernels or altogether.
//!
//! Descriptors are bare numbers here, as they are in SQEs: one that is not open is answered with
//! `EBADF`, and whoever passes one says that it is theirs to use.

mod address;
mod clock;
mod descriptor;
#[cfg(not(feature = "sim"))]
mod real;
pub mod signal;
mod socket;
mod splice;

pub use address::Address;
pub use clock::monotonic;
#[cfg(feature = "sim")]
pub(crate) use descriptor::close_real;
pub use descriptor::{close, duplicate, eventfd, eventfd_read, eventfd_write};
pub use socket::{
    bind, getpeername, getsockname, getsockopt, listen, option, set_linger, set_option, setsockopt,
    shutdown, socket,
};
pub use splice::{pipe, set_nonblocking, splice};

#[cfg(feature = "sim")]
use crate::sim::instead;
/// Who may answer a call in the kernel's place.
#[cfg(not(feature = "sim"))]
use real as instead;
