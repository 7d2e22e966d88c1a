//! How a queue ends.

/// What becomes of the items of a queue that is shut down.
///
/// # Examples
/// ```
/// use ringio::queue::{GetError, Queue, Shutdown};
/// ringio::run(async {
///     let queue = Queue::unbounded();
///     queue.put(1).await.unwrap();
///     queue.put(2).await.unwrap();
///     queue.shutdown(Shutdown::Drain);
///     assert!(queue.put(3).await.is_err());
///     assert_eq!(queue.get().await, Ok(1));
///     queue.shutdown(Shutdown::Now);
///     assert_eq!(queue.get().await, Err(GetError));
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Those that were put can still be got.
    Drain,
    /// They are dropped, and count as done.
    Now,
}
