//! What all three queues can do, with an example for each.

/// Gives a queue, a struct around its `core`, all of them.
macro_rules! methods {
    ($name:ident $(, $bound:ident)?) => {
        impl<T $(: $bound)?> $name<T> {
            /// One with room for `capacity` items; with room for none, a rendezvous.
            ///
            /// Memory grows with what is in it, not with the room.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::{", stringify!($name), ", TryPutError};")]
            #[doc = concat!("let queue = ", stringify!($name), "::bounded(1);")]
            /// assert_eq!(queue.try_put(1), Ok(()));
            /// assert_eq!(queue.try_put(2), Err(TryPutError::Full(2)));
            /// ```
            pub fn bounded(capacity: usize) -> Self {
                $name { core: Core::new(capacity) }
            }

            /// One that always has room.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let queue = ringio::queue::", stringify!($name), "::unbounded();")]
            /// (0..100).for_each(|number| queue.try_put(number).unwrap());
            /// assert_eq!((queue.len(), queue.capacity()), (100, None));
            /// ```
            pub fn unbounded() -> Self {
                $name { core: Core::new(usize::MAX) }
            }

            /// Puts an item in, as soon as there is room and everybody who asked earlier is in. In a
            /// rendezvous that is when a getter takes it, or has its turn.
            ///
            /// # Errors
            /// The item comes back if the queue was shut down, before or meanwhile.
            ///
            /// # Cancel safety
            /// A future that is dropped leaves the line, and takes its item with it. If its turn had come
            /// the item was put, and stays.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::", stringify!($name), ";")]
            /// # ringio::run(async {
            #[doc = concat!("let queue = ", stringify!($name), "::bounded(1);")]
            /// let both = async {
            ///     queue.put(1).await.unwrap();
            ///     queue.put(2).await.unwrap();
            /// };
            /// let get = async || queue.get().await.unwrap();
            /// let ((), first, second) = ringio::join!(both, get(), get());
            /// assert_eq!((first, second), (1, 2));
            /// # });
            /// ```
            #[inline]
            pub fn put(&self, item: T) -> impl Future<Output = Result<(), PutError<T>>> {
                self.core.put(item)
            }

            /// Takes the next item out, as soon as there is one and everybody who asked earlier has
            /// had his.
            ///
            /// # Errors
            /// The queue was shut down, and nothing is left in it.
            ///
            /// # Cancel safety
            /// A future that is dropped leaves the line. If its turn had come, the next getter has it;
            /// the item has not left its place. Nothing is lost.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::{GetError, ", stringify!($name), ", Shutdown};")]
            /// # ringio::run(async {
            #[doc = concat!("let queue = ", stringify!($name), "::bounded(1);")]
            /// queue.put("only").await.unwrap();
            /// queue.shutdown(Shutdown::Drain);
            /// assert_eq!(queue.get().await, Ok("only"));
            /// assert_eq!(queue.get().await, Err(GetError));
            /// # });
            /// ```
            #[inline]
            pub fn get(&self) -> impl Future<Output = Result<T, GetError>> {
                self.core.get()
            }

            /// Puts an item in if there is room, and nobody waits for it; or if a getter waits.
            ///
            /// # Errors
            /// The item comes back.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::{", stringify!($name), ", Shutdown, TryPutError};")]
            #[doc = concat!("let queue = ", stringify!($name), "::unbounded();")]
            /// assert_eq!(queue.try_put(1), Ok(()));
            /// queue.shutdown(Shutdown::Now);
            /// assert_eq!(queue.try_put(2), Err(TryPutError::ShutDown(2)));
            /// ```
            #[doc(alias = "put_nowait")]
            #[inline]
            pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
                self.core.try_put(item)
            }

            /// Takes the next item out if there is one that no getter had its turn for.
            ///
            /// # Errors
            /// There is none, now or for ever.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::{", stringify!($name), ", TryGetError};")]
            #[doc = concat!("let queue = ", stringify!($name), "::unbounded();")]
            /// queue.try_put(1).unwrap();
            /// assert_eq!(queue.try_get(), Ok(1));
            /// assert_eq!(queue.try_get(), Err(TryGetError::Empty));
            /// ```
            #[doc(alias = "get_nowait")]
            #[inline]
            pub fn try_get(&self) -> Result<T, TryGetError> {
                self.core.try_get()
            }

            /// The items as they come, until the queue is shut down.
            ///
            /// # Examples
            /// ```
            /// use futures_util::StreamExt;
            #[doc = concat!("use ringio::queue::", stringify!($name), ";")]
            /// # ringio::run(async {
            #[doc = concat!("let queue = ", stringify!($name), "::unbounded();")]
            /// queue.put("first").await.unwrap();
            /// let mut items = queue.stream();
            /// assert_eq!(items.next().await, Some("first"));
            /// # });
            /// ```
            pub fn stream(&self) -> Items<'_, T> {
                Items::new(self.core.get())
            }

            /// How many items are in it that no getter had its turn for. What putters wait with is not
            /// in it yet.
            #[doc(alias = "qsize")]
            #[inline]
            pub fn len(&self) -> usize {
                self.core.len()
            }

            /// Whether nothing is in it.
            #[doc(alias = "empty")]
            #[inline]
            pub fn is_empty(&self) -> bool {
                self.core.len() == 0
            }

            /// Whether a put would wait.
            #[doc(alias = "full")]
            #[inline]
            pub fn is_full(&self) -> bool {
                !self.core.has_room()
            }

            /// For how many items there is room; `None` if it is unbounded.
            #[doc(alias = "maxsize")]
            pub fn capacity(&self) -> Option<usize> {
                self.core.capacity()
            }

            /// How many wait for an item.
            pub fn getters(&self) -> usize {
                self.core.getters()
            }

            /// How many wait for room.
            pub fn putters(&self) -> usize {
                self.core.putters()
            }

            /// Says that one of the items that were got is dealt with. Once as many were as have been put,
            /// [`join`](Self::join) ends.
            ///
            /// # Errors
            /// More would be done than were put.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::{", stringify!($name), ", TooManyDone};")]
            #[doc = concat!("let queue = ", stringify!($name), "::unbounded();")]
            /// queue.try_put(1).unwrap();
            /// assert_eq!(queue.task_done(), Ok(()));
            /// assert_eq!(queue.task_done(), Err(TooManyDone));
            /// ```
            pub fn task_done(&self) -> Result<(), TooManyDone> {
                self.core.task_done()
            }

            /// Waits until everything that was put is [done](Self::task_done).
            ///
            /// # Cancel safety
            /// A future that is dropped changes nothing.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::", stringify!($name), ";")]
            /// # ringio::run(async {
            #[doc = concat!("let queue = ", stringify!($name), "::unbounded();")]
            /// queue.put(1).await.unwrap();
            /// let work = async {
            ///     assert_eq!(queue.get().await, Ok(1));
            ///     queue.task_done().unwrap();
            /// };
            /// ringio::join!(queue.join(), work);
            /// # });
            /// ```
            #[inline]
            pub fn join(&self) -> impl Future<Output = ()> {
                self.core.join()
            }

            /// Nothing can be put from now on; who waits to put has his item back, and who waits for an
            /// item hears that none will come. What is in the queue is left, or dropped.
            ///
            /// What is dropped counts as done. After a `Drain`, `Now` drops what is left; the other way
            /// round, and repeated, nothing more happens.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use ringio::queue::{", stringify!($name), ", Shutdown, TryGetError};")]
            #[doc = concat!("let queue = ", stringify!($name), "::unbounded();")]
            /// queue.try_put(1).unwrap();
            /// queue.try_put(2).unwrap();
            /// queue.shutdown(Shutdown::Drain);
            /// assert!(queue.try_get().is_ok());
            /// queue.shutdown(Shutdown::Now);
            /// assert_eq!(queue.try_get(), Err(TryGetError::ShutDown));
            /// ```
            pub fn shutdown(&self, how: Shutdown) {
                self.core.shutdown(how);
            }
        }

        impl<T $(: $bound)?> Default for $name<T> {
            fn default() -> Self {
                $name::unbounded()
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.core.fmt(stringify!($name), f)
            }
        }
    };
}

pub(super) use methods;
