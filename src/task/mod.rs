//! Tasks, and what they are composed with.

mod as_completed;
mod cancel_scope;
mod gather;
mod group;
mod join;
mod local;
#[doc(hidden)]
pub mod macros;
mod on_cancel;
mod owner;
mod select;
mod shield;
mod timeout;
mod timeout_scope;
mod wait;

pub use crate::executor::Child;
pub use crate::executor::{Builder, Id, Info, JoinError, JoinHandle, State, all, current, spawn};
pub use as_completed::{AsCompleted, as_completed};
pub use cancel_scope::{CancelScope, Cancelled, cancel_scope};
pub use gather::{gather, try_gather};
pub use group::{GroupError, TaskGroup, task_group};
pub use local::{LocalKey, Scope};
pub use on_cancel::on_cancel;
pub use shield::{Shield, shield};
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
pub use timeout_scope::{TimeoutScope, timeout_scope};
pub use wait::{Until, Waited, wait};
