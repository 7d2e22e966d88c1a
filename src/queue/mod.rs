//! Passing values on, in order and bounded.
//!
//! # Between tasks of one loop
//! [`Queue`], [`LifoQueue`] and [`PriorityQueue`] are asyncio's, and keep to one thread; their ends are
//! references to the queue. They need no loop of ringio.
//!
//! - First come, first served, putters as well as getters, from the first poll on. Who comes later
//!   overtakes nobody, and neither do `try_put` and `try_get`.
//! - A getter that is dropped when its turn has come leaves its item where it was: the next getter
//!   has it. A putter that is dropped takes its item with it, unless the queue has it already.
//! - Waiting allocates nothing: the place in line, with the item that is to be put, is part of the
//!   future.
//! - With room for 0 items a queue is a rendezvous: a put ends when a getter's turn comes.
//! - What is ready at once costs the task's budget, so that a task which always finds an item lets
//!   others run.
//! - Wakers and items are woken, compared and dropped when everything is settled: they may use the queue.
//!   Only while items are compared does it answer as if there were no room and no item.
//!
//! # Between loops
//! [`channel`] has two ends, which may be sent to other threads.

mod buffer;
mod channel;
mod core;
mod error;
mod fifo_queue;
mod get;
mod heap;
mod items;
mod lifo_queue;
mod methods;
mod priority_queue;
mod put;
mod receiver;
mod sender;
mod shutdown;

pub use channel::channel;
pub use error::{GetError, PutError, TooManyDone, TryGetError, TryPutError};
pub use fifo_queue::Queue;
pub use items::Items;
pub use lifo_queue::LifoQueue;
pub use priority_queue::PriorityQueue;
pub use receiver::Receiver;
pub use sender::Sender;
pub use shutdown::Shutdown;
