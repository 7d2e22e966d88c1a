//! The kernel's side of ringio (floor 0): io_uring set-up and its negotiation, SQEs and CQEs that
//! can be read, buffer rings, probes, and the few system calls that have no ring operation.
//!
//! It knows nothing of tasks, futures or sockets as objects. The [`io-uring`](https://docs.rs/io-uring)
//! crate is its base; what that crate does not expose stands beside it here.
//!
//! ```
//! use uring_sys_shim::{KernelRing, Ring, Setup, Wait, sqe};
//!
//! let mut ring = KernelRing::new(&Setup::default())?;
//! // SAFETY: a no-op refers to no memory and no descriptor.
//! unsafe { ring.push(&sqe::nop().user_data(7)) }.expect("a new ring has room");
//! ring.enter(Wait::Forever)?;
//! let mut seen = Vec::new();
//! ring.reap(&mut |cqe| seen.push((cqe.user_data, cqe.res)));
//! assert_eq!(seen, [(7, 0)]);
//! # Ok::<(), std::io::Error>(())
//! ```

#[cfg(feature = "sim")]
mod active;
mod buf_ring;
mod caps;
mod circumstances;
mod cqe;
mod doctor;
mod error;
mod kernel;
mod owner;
mod probe;
mod register;
#[allow(unsafe_code, reason = "it declares unsafe methods")]
pub mod ring;
mod setup;
#[cfg(feature = "sim")]
pub mod sim;
pub mod sqe;
mod support;
pub mod sys;
mod wait;

#[cfg(feature = "sim")]
pub use active::ActiveRing;
pub use caps::Caps;
pub use cqe::Cqe;
pub use doctor::doctor;
pub use error::SetupError;
pub use kernel::KernelRing;
/// The ring that loops run on: the kernel's, or with the feature `sim` the simulated one where a
/// simulated kernel is installed.
#[cfg(not(feature = "sim"))]
pub use kernel::KernelRing as ActiveRing;
pub use ring::{Full, GroupId, Ring, SqFlags, Wait};
pub use setup::Setup;
pub use sqe::Sqe;
pub use support::{Support, support};
