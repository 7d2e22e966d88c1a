//! A value that is made once, when it is first asked for.

use std::cell::{self, Cell};
use std::fmt;

use super::wait_queue::{Gate, WaitQueue};

/// A place for a value that is made by whoever comes first, which may take a while; the others wait.
///
/// # Examples
/// ```
/// use ringio::sync::OnceCell;
/// ringio::run(async {
///     let greeting = OnceCell::new();
///     let get = async |name: &str| greeting.get_or_init(async || format!("hello {name}")).await;
///     assert_eq!(get("ada").await, "hello ada");
///     assert_eq!(get("bob").await, "hello ada");
/// });
/// ```
pub struct OnceCell<T> {
    value: cell::OnceCell<T>,
    /// Whether somebody makes the value. While nobody does, nobody waits.
    making: Cell<bool>,
    /// The word of one who was chosen: whether it is his turn to make the value.
    queue: WaitQueue<bool>,
}

impl<T> OnceCell<T> {
    /// An empty one.
    pub const fn new() -> OnceCell<T> {
        OnceCell { value: cell::OnceCell::new(), making: Cell::new(false), queue: WaitQueue::new() }
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Puts a value in.
    ///
    /// # Errors
    /// The value, if there is one already or somebody is making one.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::OnceCell;
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.set(1), Ok(()));
    /// assert_eq!(cell.set(2), Err(2));
    /// assert_eq!(cell.get(), Some(&1));
    /// ```
    pub fn set(&self, value: T) -> Result<(), T> {
        if self.making.get() {
            return Err(value);
        }
        self.value.set(value)
    }

    /// The value, made by `make` if it is not there.
    ///
    /// One caller at a time makes it, in the order in which they came. If it panics or is dropped before
    /// it is done, the next one runs a `make` of its own. A `make` that asks the same cell waits for ever.
    ///
    /// # Cancel safety
    /// What `make` has done so far is dropped with the future; the cell is as it was.
    #[inline]
    pub async fn get_or_init(&self, make: impl AsyncFnOnce() -> T) -> &T {
        match self.value_or_turn().await {
            Ok(value) => value,
            Err(turn) => turn.end(make().await),
        }
    }

    /// The value, made by `make` if it is not there; or its error, and then the cell is as it was.
    ///
    /// # Errors
    /// What `make` says.
    ///
    /// # Cancel safety
    /// As with [`get_or_init`](OnceCell::get_or_init).
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::OnceCell;
    /// # ringio::run(async {
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.get_or_try_init(async || Err("not yet")).await, Err("not yet"));
    /// assert_eq!(cell.get_or_try_init(async || Ok::<_, ()>(5)).await, Ok(&5));
    /// # });
    /// ```
    pub async fn get_or_try_init<E>(
        &self,
        make: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        match self.value_or_turn().await {
            Ok(value) => Ok(value),
            Err(turn) => Ok(turn.end(make().await?)),
        }
    }

    /// The value.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// How many wait for somebody else to make the value.
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }

    async fn value_or_turn(&self) -> Result<&T, Turn<'_, T>> {
        loop {
            if self.queue.wait(self, false).await {
                return Err(Turn(self));
            }
            if let Some(value) = self.value.get() {
                return Ok(value);
            }
        }
    }

    /// Nobody makes the value any more: it is the next one's turn, if somebody waits.
    fn pass_turn_on(&self) {
        if self.queue.choose(true).is_err() {
            self.making.set(false);
        }
        self.queue.wake_chosen();
    }
}

impl<T> Gate<bool> for OnceCell<T> {
    #[inline]
    fn pass(&self, word: bool) -> Result<bool, bool> {
        if self.value.get().is_some() {
            Ok(false)
        } else if self.making.replace(true) {
            Err(word)
        } else {
            Ok(true)
        }
    }

    fn left(&self, its_turn: bool, chosen: bool) {
        if chosen && its_turn {
            self.pass_turn_on();
        }
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell")
            .field("value", &self.value.get())
            .field("waiters", &self.waiters())
            .finish_non_exhaustive()
    }
}

/// The turn to make the value, which passes on if that does not come to an end.
struct Turn<'a, T>(&'a OnceCell<T>);

impl<'a, T> Turn<'a, T> {
    fn end(self, value: T) -> &'a T {
        let cell = self.0;
        // Nobody else can have put one in.
        let value = cell.value.get_or_init(|| value);
        // All have their word: it is not their turn, for the value is there.
        cell.queue.choose_all();
        drop(self);
        value
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.0.pass_turn_on();
    }
}
