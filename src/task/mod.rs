//! Tasks, and what they are composed with.

mod on_cancel;
mod timeout;

pub use crate::executor::{Builder, Id, Info, JoinError, JoinHandle, all, current, spawn};
pub use on_cancel::on_cancel;
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
