//! One at a time.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::wait_queue::{Gate, WaitQueue};

/// A value that one task at a time may use, also across an `await`.
///
/// Whoever asks first gets it first. An unlock with waiters hands the lock to the first of them, so
/// that nobody can take it in between; one that is dropped then hands it to the next. The lock is
/// not re-entrant: who has it and locks again waits for ever. There is no poisoning: a guard that is
/// dropped by a panic unlocks, and what it left half done is for you to know.
///
/// # Examples
/// ```
/// use ringio::sync::Mutex;
/// ringio::run(async {
///     let total = Mutex::new(0);
///     let add = async |n| {
///         let mut total = total.lock().await;
///         let before = *total;
///         ringio::yield_now().await;
///         *total = before + n;
///     };
///     ringio::join!(add(1), add(2));
///     assert_eq!(total.into_inner(), 3);
/// });
/// ```
#[doc(alias = "Lock")]
pub struct Mutex<T> {
    lock: Lock,
    /// Borrowed by whoever has the lock, and nobody else.
    value: RefCell<T>,
}

/// The lock by itself. While it is not locked, nobody waits for it.
struct Lock {
    locked: Cell<bool>,
    queue: WaitQueue<()>,
}

impl<T> Mutex<T> {
    /// An unlocked one.
    pub const fn new(value: T) -> Mutex<T> {
        let lock = Lock { locked: Cell::new(false), queue: WaitQueue::new() };
        Mutex { lock, value: RefCell::new(value) }
    }

    /// Locks, as soon as it is one's turn. It is unlocked when the guard is dropped.
    ///
    /// # Cancel safety
    /// A future that is dropped leaves the line. If it had been given the lock, the next one gets it.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Mutex;
    /// # ringio::run(async {
    /// let names = Mutex::new(Vec::new());
    /// names.lock().await.push("ada");
    /// assert_eq!(*names.lock().await, ["ada"]);
    /// # });
    /// ```
    #[doc(alias = "acquire")]
    #[inline]
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        if self.lock.at_once(()).is_err() {
            self.lock.queue.wait(&self.lock, ()).await;
        }
        self.guard()
    }

    /// Locks if it is unlocked.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Mutex;
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_none());
    /// drop(guard);
    /// assert!(!mutex.is_locked());
    /// ```
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.lock.try_lock().then(|| self.guard())
    }

    /// Whether somebody has the lock, or was given it and has yet to run.
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.lock.locked.get()
    }

    /// How many wait for their turn.
    pub fn waiters(&self) -> usize {
        self.lock.queue.len()
    }

    /// The value, which needs no lock: nobody else can have one.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// For who has just been given the lock.
    #[inline]
    fn guard(&self) -> MutexGuard<'_, T> {
        let turn = Turn { mutex: self };
        MutexGuard { value: self.value.borrow_mut(), turn }
    }
}

impl Lock {
    #[inline]
    fn try_lock(&self) -> bool {
        !self.locked.replace(true)
    }

    #[inline]
    fn unlock(&self) {
        if self.queue.is_empty() {
            self.locked.set(false);
        } else {
            self.hand_over();
        }
    }

    fn hand_over(&self) {
        if self.queue.choose(()).is_ok() {
            self.queue.wake_chosen();
        }
    }
}

impl Gate<()> for Lock {
    #[inline]
    fn pass(&self, (): ()) -> Result<(), ()> {
        if self.try_lock() { Ok(()) } else { Err(()) }
    }

    fn left(&self, (): (), chosen: bool) {
        if chosen {
            self.unlock();
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (locked, waiters) = (self.is_locked(), self.waiters());
        // The value's own code may try to lock, too.
        let value = self.try_lock();
        let mut all = f.debug_struct("Mutex");
        match &value {
            Some(value) => all.field("value", &**value),
            None => all.field("value", &format_args!("<locked>")),
        };
        all.field("locked", &locked).field("waiters", &waiters).finish()
    }
}

/// The lock of a [`Mutex`]; dropped, it goes to the next.
///
/// # Examples
/// ```
/// # use ringio::sync::Mutex;
/// # ringio::run(async {
/// let mutex = Mutex::new(String::new());
/// let mut guard = mutex.lock().await;
/// guard.push('x');
/// assert!(mutex.is_locked());
/// # });
/// ```
#[must_use = "dropped, it unlocks"]
pub struct MutexGuard<'a, T> {
    // In this order: the value is let go before the lock is.
    value: RefMut<'a, T>,
    turn: Turn<'a, T>,
}

impl<'a, T> MutexGuard<'a, T> {
    #[inline]
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.turn.mutex
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutexGuard").field(&*self.value).finish()
    }
}

struct Turn<'a, T> {
    mutex: &'a Mutex<T>,
}

impl<T> Drop for Turn<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.lock.unlock();
    }
}
