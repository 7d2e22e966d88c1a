//! Tasks, and what they are composed with.

mod cancel_scope;
mod local;
mod on_cancel;
mod owner;
mod timeout;
mod timeout_scope;

pub use crate::executor::{Builder, Id, Info, JoinError, JoinHandle, State, all, current, spawn};
pub use cancel_scope::{CancelScope, Cancelled, cancel_scope};
pub use local::{LocalKey, Scope};
pub use on_cancel::on_cancel;
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
pub use timeout_scope::{TimeoutScope, timeout_scope};
