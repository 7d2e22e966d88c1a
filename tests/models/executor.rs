//! `src/executor` without its unit tests.

#[path = "../../src/executor/blocks.rs"]
mod blocks;
#[path = "../../src/executor/branch.rs"]
mod branch;
#[path = "../../src/executor/builder.rs"]
mod builder;
#[path = "../../src/executor/cell.rs"]
mod cell;
#[path = "../../src/executor/current.rs"]
pub(crate) mod current;
#[expect(clippy::module_inception, reason = "as in src/executor/mod.rs")]
#[path = "../../src/executor/executor.rs"]
mod executor;
#[path = "../../src/executor/failure.rs"]
pub(crate) mod failure;
#[path = "../../src/executor/header.rs"]
mod header;
#[path = "../../src/executor/info.rs"]
mod info;
#[path = "../../src/executor/join.rs"]
mod join;
#[path = "../../src/executor/join_error.rs"]
mod join_error;
#[path = "../../src/executor/local.rs"]
mod local;
#[path = "../../src/executor/locals.rs"]
mod locals;
#[path = "../../src/executor/outcome.rs"]
mod outcome;
#[path = "../../src/executor/owner.rs"]
pub(crate) mod owner;
#[path = "../../src/executor/remote.rs"]
mod remote;
#[path = "../../src/executor/roster.rs"]
mod roster;
#[path = "../../src/executor/run_queue.rs"]
mod run_queue;
#[path = "../../src/executor/shared.rs"]
mod shared;
#[path = "../../src/executor/state.rs"]
mod state;
#[path = "../../src/executor/task.rs"]
mod task;
#[path = "../../src/executor/untraced.rs"]
mod trace;
#[path = "../../src/executor/turn.rs"]
mod turn;
#[path = "../../src/executor/waker.rs"]
mod waker;
#[path = "../../src/executor/watch.rs"]
mod watch;

pub use builder::spawn;
pub use join::JoinHandle;
pub use join_error::JoinError;

pub(crate) use executor::Executor;
pub(crate) use info::{Info, Meta, Report};
pub(crate) use remote::Remote;
