//! Many who look, or one who changes.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::wait_queue::{Gate, WaitQueue};

/// A value that many tasks may read or one may write, also across an `await`.
///
/// Readers and writers stand in one line. A reader goes ahead at once if nobody writes *and nobody
/// waits*; so a writer waits for the readers that were there before it, and no stream of readers keeps
/// it away. When it is done, all readers up to the next writer go together. It follows that a task which
/// has a read guard and asks for another waits for ever if a writer came in between. There is no
/// poisoning.
///
/// # Examples
/// ```
/// use ringio::sync::RwLock;
/// ringio::run(async {
///     let config = RwLock::new("old");
///     {
///         let (a, b) = (config.read().await, config.read().await);
///         assert_eq!((*a, *b), ("old", "old"));
///         assert!(config.try_write().is_none());
///     }
///     *config.write().await = "new";
///     assert_eq!(*config.read().await, "new");
/// });
/// ```
pub struct RwLock<T> {
    lock: Lock,
    /// Borrowed by whoever has the lock, and nobody else.
    value: RefCell<T>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Use {
    #[default]
    Read,
    Write,
}

/// The lock by itself.
struct Lock {
    /// How many read, or [`WRITER`].
    users: Cell<usize>,
    queue: WaitQueue<Use>,
}

const WRITER: usize = usize::MAX;

impl<T> RwLock<T> {
    /// An unlocked one.
    pub const fn new(value: T) -> RwLock<T> {
        let lock = Lock { users: Cell::new(0), queue: WaitQueue::new() };
        RwLock { lock, value: RefCell::new(value) }
    }

    /// Locks for reading, as soon as it is one's turn.
    ///
    /// # Cancel safety
    /// A future that is dropped leaves the line, which may let those behind it go on. If it had been given
    /// the lock, it gives it back.
    #[inline]
    pub async fn read(&self) -> ReadGuard<'_, T> {
        if self.lock.at_once(Use::Read).is_err() {
            self.lock.queue.wait(&self.lock, Use::Read).await;
        }
        self.reader()
    }

    /// Locks for writing, as soon as it is one's turn.
    ///
    /// # Cancel safety
    /// As with [`read`](RwLock::read).
    #[inline]
    pub async fn write(&self) -> WriteGuard<'_, T> {
        if self.lock.at_once(Use::Write).is_err() {
            self.lock.queue.wait(&self.lock, Use::Write).await;
        }
        self.writer()
    }

    /// Locks for reading if nobody writes and nobody waits.
    #[inline]
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        self.lock.pass(Use::Read).is_ok().then(|| self.reader())
    }

    /// Locks for writing if nobody reads or writes.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::RwLock;
    /// let lock = RwLock::new(1);
    /// let mut guard = lock.try_write().unwrap();
    /// *guard = 2;
    /// assert!(lock.try_read().is_none());
    /// drop(guard);
    /// assert_eq!(*lock.try_read().unwrap(), 2);
    /// ```
    #[inline]
    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        self.lock.pass(Use::Write).is_ok().then(|| self.writer())
    }

    /// How many wait, readers and writers.
    pub fn waiters(&self) -> usize {
        self.lock.queue.len()
    }

    /// How many read now.
    pub fn readers(&self) -> usize {
        match self.lock.users.get() {
            WRITER => 0,
            readers => readers,
        }
    }

    /// The value, which needs no lock: nobody else can have one.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    #[inline]
    fn reader(&self) -> ReadGuard<'_, T> {
        let turn = Turn(&self.lock, Use::Read);
        ReadGuard { value: self.value.borrow(), _turn: turn }
    }

    #[inline]
    fn writer(&self) -> WriteGuard<'_, T> {
        let turn = Turn(&self.lock, Use::Write);
        WriteGuard { value: self.value.borrow_mut(), _turn: turn }
    }
}

impl Lock {
    /// Takes the lock, waiters or not, if those who have it allow it.
    #[inline]
    fn admit(&self, wanted: Use) -> bool {
        let users = match (wanted, self.users.get()) {
            (Use::Write, 0) => WRITER,
            (Use::Read, readers) if readers < WRITER - 1 => readers + 1,
            _ => return false,
        };
        self.users.set(users);
        true
    }

    #[inline]
    fn unlock(&self, used: Use) {
        self.users.set(match used {
            Use::Write => 0,
            Use::Read => self.users.get() - 1,
        });
        if !self.queue.is_empty() {
            self.serve();
        }
    }

    /// Lets those in who stand first, for as long as they go together.
    fn serve(&self) {
        while let Some(wanted) = self.queue.peek() {
            if !self.admit(wanted) {
                break;
            }
            // It was just there.
            let _ = self.queue.choose(wanted);
        }
        self.queue.wake_chosen();
    }
}

impl Gate<Use> for Lock {
    #[inline]
    fn pass(&self, wanted: Use) -> Result<Use, Use> {
        if self.queue.is_empty() && self.admit(wanted) { Ok(wanted) } else { Err(wanted) }
    }

    fn left(&self, used: Use, chosen: bool) {
        if chosen {
            self.unlock(used);
        } else {
            // A writer may have stood before readers.
            self.serve();
        }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (readers, waiters) = (self.readers(), self.waiters());
        // The value's own code may try to lock, too.
        let value = self.try_read();
        let mut all = f.debug_struct("RwLock");
        match &value {
            Some(value) => all.field("value", &**value),
            None => all.field("value", &format_args!("<locked>")),
        };
        all.field("readers", &readers).field("waiters", &waiters).finish()
    }
}

/// The right to read what a [`RwLock`] guards, until it is dropped.
///
/// # Examples
/// ```
/// # use ringio::sync::RwLock;
/// let lock = RwLock::new(String::from("text"));
/// assert_eq!(lock.try_read().unwrap().len(), 4);
/// ```
#[must_use = "dropped, it unlocks"]
pub struct ReadGuard<'a, T> {
    // In this order: the value is let go before the lock is.
    value: Ref<'a, T>,
    _turn: Turn<'a>,
}

/// The right to change what a [`RwLock`] guards, until it is dropped.
///
/// # Examples
/// ```
/// # use ringio::sync::RwLock;
/// let lock = RwLock::new(String::from("text"));
/// lock.try_write().unwrap().push('s');
/// assert_eq!(lock.into_inner(), "texts");
/// ```
#[must_use = "dropped, it unlocks"]
pub struct WriteGuard<'a, T> {
    // In this order: the value is let go before the lock is.
    value: RefMut<'a, T>,
    _turn: Turn<'a>,
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for ReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadGuard").field(&*self.value).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for WriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteGuard").field(&*self.value).finish()
    }
}

struct Turn<'a>(&'a Lock, Use);

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.unlock(self.1);
    }
}
