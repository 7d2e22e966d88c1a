//! Tasks, and what they are composed with.

mod timeout;

pub use crate::executor::{Builder, Id, Info, JoinError, JoinHandle, all, current, spawn};
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
