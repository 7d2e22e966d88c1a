//! Tasks, and what they are composed with.

#[doc(hidden)]
pub mod branch;
mod join;
mod select;
mod shield;
mod timeout;

pub use crate::executor::{Builder, Id, Info, JoinError, JoinHandle, all, current, spawn};
pub use shield::{Shield, shield};
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
