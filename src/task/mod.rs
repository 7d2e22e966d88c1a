//! What tasks are composed with.

mod timeout;

pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
