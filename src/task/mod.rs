//! Tasks, and what they are composed with.

mod as_completed;
mod gather;
mod group;
mod join;
#[doc(hidden)]
pub mod macros;
mod select;
mod shield;
mod timeout;
mod wait;

pub use crate::executor::Child;
pub use crate::executor::{Builder, Id, Info, JoinError, JoinHandle, all, current, spawn};
pub use as_completed::{AsCompleted, as_completed};
pub use gather::{gather, try_gather};
pub use group::{GroupError, TaskGroup, task_group};
pub use shield::{Shield, shield};
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
pub use wait::{Until, Waited, wait};
