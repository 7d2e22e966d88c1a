//! First in, first out.

use std::fmt;

use super::buffer::Fifo;
use super::core::Core;
use super::error::{GetError, PutError, TooManyDone, TryGetError, TryPutError};
use super::items::Items;
use super::methods::methods;
use super::shutdown::Shutdown;

/// Items that leave in the order in which they came.
///
/// A worker that takes items, deals with each and says [`task_done`](Queue::task_done) may be awaited with
/// [`join`](Queue::join), and ends when the queue is [shut down](Queue::shutdown). For items that travel
/// between loops there is [`channel`](super::channel()).
///
/// # Examples
/// ```
/// use ringio::queue::{Queue, Shutdown};
/// ringio::run(async {
///     let queue = Queue::bounded(2);
///     let work = async || {
///         let mut sum = 0;
///         while let Ok(number) = queue.get().await {
///             sum += number;
///             queue.task_done().unwrap();
///         }
///         sum
///     };
///     let feed = async {
///         for number in 1..=10 {
///             queue.put(number).await.unwrap();
///         }
///         queue.join().await;
///         queue.shutdown(Shutdown::Drain);
///     };
///     let (one, other, ()) = ringio::join!(work(), work(), feed);
///     assert_eq!(one + other, 55);
/// });
/// ```
pub struct Queue<T> {
    core: Core<T, Fifo<T>>,
}

methods!(Queue);
