//! [`Sqe`] and one small function for each operation that fills one in.
//!
//! The functions only write numbers; what the addresses in them must satisfy is the contract of
//! [`Ring::push`](crate::Ring::push). Addresses of socket address, iovec array and option value are
//! read when the SQE is submitted; `msghdr` and buffers must live until the final completion.

mod entry;
mod operation;

pub use entry::Sqe;
pub use operation::{
    accept, accept_from, accept_multi, bind, cancel, cancel_all, close, connect, listen, msg_ring,
    nop, poll, poll_multi, read, recv, recv_group, recv_multi, send, send_vectored, sendmsg,
    setsockopt, shutdown, socket, write,
};
