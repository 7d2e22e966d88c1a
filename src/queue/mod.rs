//! Passing values on, in order and bounded.

mod channel;
mod error;
mod receiver;
mod sender;

pub use channel::channel;
pub use error::{PutError, TryGetError, TryPutError};
pub use receiver::Receiver;
pub use sender::Sender;
