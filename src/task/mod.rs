//! Tasks, and what they are composed with.

mod local;
mod timeout;

pub use crate::executor::{Builder, Id, Info, JoinError, JoinHandle, State, all, current, spawn};
pub use local::{LocalKey, Scope};
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
