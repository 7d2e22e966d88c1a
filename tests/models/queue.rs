//! `src/queue`, as far as channels go.

#[path = "../../src/queue/channel.rs"]
mod channel;
#[path = "../../src/queue/error.rs"]
mod error;
#[path = "../../src/queue/receiver.rs"]
mod receiver;
#[path = "../../src/queue/sender.rs"]
mod sender;

pub use channel::channel;
pub use sender::Sender;
