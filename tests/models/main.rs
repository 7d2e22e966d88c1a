//! The protocols between threads, in every interleaving and with every stale value that the
//! memory model allows (up to a bound on preemptions): the real files of `src/`, compiled with the
//! parts of `loom` where they have those of the standard library.
//!
//! `RINGIO_LONG=1` raises the bound; `LOOM_MAX_PREEMPTIONS`, `LOOM_LOG` and the others that loom
//! reads do what its documentation says.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "a part of the crate's files")]
#![allow(missing_docs, reason = "the crate's own files are documented there")]

mod executor;
mod ledger;
#[path = "../../src/driver/parked.rs"]
mod parked;
mod queue;
#[path = "../../src/runtime/remote_handle.rs"]
mod remote_handle;
#[path = "../../src/runtime/remote_join.rs"]
mod remote_join;
mod rig;
mod util;

mod channels;
mod closures;
mod parking;
mod remote;
mod wakes;
