//! Last in, first out.

use std::fmt;

use super::buffer::Lifo;
use super::core::Core;
use super::error::{GetError, PutError, TooManyDone, TryGetError, TryPutError};
use super::items::Items;
use super::methods::methods;
use super::shutdown::Shutdown;

/// A [`Queue`](super::Queue) whose newest item leaves first: a stack that can be waited for.
///
/// Whoever takes an item takes the newest there is at that moment. A getter that was waiting does so
/// when it runs, not when its turn comes.
///
/// # Examples
/// ```
/// use ringio::queue::LifoQueue;
/// ringio::run(async {
///     let stack = LifoQueue::unbounded();
///     stack.put("below").await.unwrap();
///     stack.put("above").await.unwrap();
///     assert_eq!(stack.get().await, Ok("above"));
///     assert_eq!(stack.get().await, Ok("below"));
/// });
/// ```
pub struct LifoQueue<T> {
    core: Core<T, Lifo<T>>,
}

methods!(LifoQueue);
