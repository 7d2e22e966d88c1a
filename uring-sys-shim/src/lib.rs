//! The kernel's side of ringio (floor 0): io_uring set-up and its negotiation, SQEs and CQEs that
//! can be read, buffer rings, probes, and the few system calls that have no ring operation.
//!
//! It knows nothing of tasks, futures or sockets as objects. The [`io-uring`](https://docs.rs/io-uring)
//! crate is its base; what that crate does not expose stands beside it here.

pub mod ring;

pub use ring::{Full, GroupId, Ring, SqFlags, Wait};
