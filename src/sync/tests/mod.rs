//! What the wait queue promises, by hand: no executor, no loop.

mod foreign;
mod support;
mod wait_queue;

pub(crate) use self::support::{Door, Log, Waiting, foreign, order};
