//! A simulated kernel behind [`Ring`](crate::Ring): seeded, on a virtual clock, and unkind.
//!
//! A [`Machine`] has rings, sockets of TCP, eventfds, and [peers](Peer) outside of the program.
//! Whatever the kernel is free to do it does in some seed: operations complete in any order, short,
//! late, or in spite of their cancellation; queues are tiny and overflow; groups run dry;
//! multishots end for no reason; connections break. [`Faults`] says what and how often, [`Seen`]
//! what has happened.
//!
//! It watches the program meanwhile: names that are used twice, buffers that are provided twice,
//! memory that is touched or freed while the kernel has it, descriptors that are closed under an
//! operation or left open, rings that are closed with operations in flight; and it tells when
//! nothing can happen any more (a deadlock) or no end comes (a livelock). Each report names the
//! seed, and the seed gives the same run again.
//!
//! With the environment variable `RINGIO_SIM_TRACE` set, each operation and each completion is
//! printed to standard error.
//!
//! `fork`, signals, files, several loops at a time, Unix sockets, and what a program does on threads
//! of its own (name look-ups among it) are not simulated. Of socket options only those are that the
//! runtime sets itself: a socket is no socket of the process, so that asking the process about it
//! says `ENOTSOCK`.

mod checks;
mod faults;
mod file;
mod group;
pub(crate) mod instead;
mod machine;
mod memory;
mod network;
mod operation;
mod peer;
mod ring;
mod seen;
mod world;

pub use faults::Faults;
pub use machine::{Installed, Machine};
pub use network::Received;
pub use peer::Peer;
pub use ring::SimRing;
pub use seen::Seen;
