//! The smallest first.

use std::fmt;

use super::core::Core;
use super::error::{GetError, PutError, TooManyDone, TryGetError, TryPutError};
use super::heap::Heap;
use super::items::Items;
use super::methods::methods;
use super::shutdown::Shutdown;

/// A [`Queue`](super::Queue) whose smallest item leaves first; of equal ones, the one that came first.
///
/// For the greatest first there is [`std::cmp::Reverse`]; for a priority beside the item, a tuple or a
/// type with an `Ord` of its own. Whoever takes an item takes the smallest there is at that moment. A
/// getter that was waiting does so when it runs, not when its turn comes. Putters enter in the order in
/// which they came, whatever they bring.
///
/// Comparing may use the queue, to which then [`try_put`](PriorityQueue::try_put) finds no room and
/// [`try_get`](PriorityQueue::try_get) no item. If it panics, so does what was comparing; no item is
/// lost, but the order of those that are in is not specified any more.
///
/// # Examples
/// ```
/// use std::cmp::Reverse;
/// use ringio::queue::PriorityQueue;
/// ringio::run(async {
///     let queue = PriorityQueue::unbounded();
///     for (urgency, name) in [(1, "tidy up"), (9, "put the fire out"), (5, "eat")] {
///         queue.put((Reverse(urgency), name)).await.unwrap();
///     }
///     assert_eq!(queue.get().await.unwrap().1, "put the fire out");
///     assert_eq!(queue.get().await.unwrap().1, "eat");
/// });
/// ```
pub struct PriorityQueue<T> {
    core: Core<T, Heap<T>>,
}

methods!(PriorityQueue, Ord);
