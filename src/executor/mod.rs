//! Floor 2: the tasks of one loop, and how they are woken.
//!
//! - [`executor`]: the owner of a loop's tasks, and what the loop asks of it.
//! - [`task`], [`header`], [`cell`], [`state`]: one task; its life is drawn in `task.rs`.
//! - [`waker`]: wakes from any thread; on the loop's own thread without a locked instruction.
//! - [`owner`], [`branch`]: requests to end, and the clean-ups that run before.
//! - [`run_queue`], [`blocks`], [`local`]: what only the loop's thread touches.
//! - [`remote`], [`shared`]: what other threads may touch, and the block that holds both.
//! - [`watch`], [`trace`]: debug mode, and what goes to the crate `tracing`.
//! - [`outcome`], [`failure`]: what tasks come to, and which outputs are errors.
//! - [`locals`]: values that belong to a task.
//! - [`family`], [`parts`], [`children`]: tasks that a future polls in place of the loop.
//! - [`join`], [`info`], [`builder`], [`yield_now`](mod@yield_now): what users see.
//!
//! This floor knows nothing of the ring. It is told how to get a parked loop's attention by one
//! [`Waker`](std::task::Waker), the doorbell.

mod blocks;
mod branch;
mod builder;
mod cell;
mod children;
pub(crate) mod current;
#[expect(clippy::module_inception, reason = "the folder is the floor's, the file the noun's")]
mod executor;
pub(crate) mod failure;
mod family;
mod header;
mod info;
mod join;
mod join_error;
mod local;
pub(crate) mod locals;
mod outcome;
pub(crate) mod owner;
mod parts;
mod remote;
mod roster;
mod run_queue;
mod shared;
mod state;
mod task;
#[cfg(feature = "tracing")]
mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "untraced.rs"]
mod trace;
mod turn;
mod waker;
mod watch;
mod yield_now;

#[cfg(test)]
mod tests;

pub use builder::{Builder, spawn};
pub use children::Child;
pub use current::{all, current};
pub use info::{Id, Info, State};
pub use join::JoinHandle;
pub use join_error::JoinError;
pub use yield_now::yield_now;

pub(crate) use children::Children;
pub(crate) use executor::Executor;
pub(crate) use family::Keeper;
pub(crate) use info::{Meta, Report};
pub(crate) use parts::Parts;
pub(crate) use remote::Remote;
