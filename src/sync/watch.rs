//! The latest value, and word that it has changed.

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::rc::Rc;

use super::error::RecvError;
use super::wait_queue::{Gate, WaitQueue};

/// A value that one end sets and the others look at; each of these hears when there is a newer one than
/// it has seen. Values in between may be missed.
///
/// # Examples
/// ```
/// use ringio::sync::watch;
/// ringio::run(async {
///     let (level, mut seen) = watch::channel(0);
///     drop(ringio::spawn(async move { level.send(7) }));
///     seen.changed().await.unwrap();
///     assert_eq!(*seen.borrow(), 7);
///     assert!(seen.changed().await.is_err()); // the sender is gone
/// });
/// ```
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: RefCell::new(value),
        version: Cell::new(0),
        is_over: Cell::new(false),
        receivers: Cell::new(1),
        changed: WaitQueue::new(),
        closed: WaitQueue::new(),
    });
    (Sender(shared.clone()), Receiver { shared, seen: 0 })
}

/// The end of a [`channel`] that sets the value.
///
/// # Examples
/// ```
/// # use ringio::sync::watch;
/// let (sender, receiver) = watch::channel(1);
/// let other = sender.subscribe();
/// assert_eq!(sender.send_replace(2), 1);
/// assert_eq!((*receiver.borrow(), *other.borrow(), sender.receivers()), (2, 2, 2));
/// drop((receiver, other));
/// assert_eq!(sender.send(3), Err(3));
/// ```
pub struct Sender<T>(Rc<Shared<T>>);

/// An end of a [`channel`] that looks at the value; clones look at the same, and have seen what this
/// one has seen.
///
/// # Examples
/// ```
/// # use ringio::sync::watch;
/// let (sender, mut receiver) = watch::channel("old");
/// let unseen = receiver.clone();
/// sender.send("new").unwrap();
/// assert_eq!(*receiver.borrow_and_update(), "new");
/// assert_eq!((receiver.has_changed(), unseen.has_changed()), (false, true));
/// ```
pub struct Receiver<T> {
    shared: Rc<Shared<T>>,
    /// The version that it has seen last.
    seen: u64,
}

struct Shared<T> {
    value: RefCell<T>,
    version: Cell<u64>,
    /// Whether the sender is gone.
    is_over: Cell<bool>,
    receivers: Cell<usize>,
    /// Receivers that wait for another version.
    changed: WaitQueue<()>,
    /// Who waits for the last receiver to go.
    closed: WaitQueue<()>,
}

impl<T> Sender<T> {
    /// Sets the value, and wakes every receiver that waits.
    ///
    /// # Errors
    /// The value, if there is no receiver. Then the old one stays.
    ///
    /// # Panics
    /// If somebody has borrowed the value.
    pub fn send(&self, value: T) -> Result<(), T> {
        if self.is_closed() {
            return Err(value);
        }
        // The old value is foreign and goes last.
        let _old = self.send_replace(value);
        Ok(())
    }

    /// Sets the value, receivers or not, and gives the old one.
    ///
    /// # Panics
    /// If somebody has borrowed the value.
    pub fn send_replace(&self, value: T) -> T {
        let old = self.0.value.replace(value);
        self.0.tell();
        old
    }

    /// Changes the value where it is.
    ///
    /// # Panics
    /// If somebody has borrowed the value.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::watch;
    /// let (sender, receiver) = watch::channel(vec![1]);
    /// sender.send_modify(|list| list.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// ```
    pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.0.value.borrow_mut());
        self.0.tell();
    }

    /// The value. It cannot be set while it is borrowed; do not keep it across an `await`.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.0.value.borrow()
    }

    /// Another receiver, which has seen the value that there is now.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(&self.0, self.0.version.get())
    }

    /// How many receivers there are.
    pub fn receivers(&self) -> usize {
        self.0.receivers.get()
    }

    /// Whether there is no receiver.
    pub fn is_closed(&self) -> bool {
        self.receivers() == 0
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    /// Nothing is lost by a drop.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::watch;
    /// # ringio::run(async {
    /// let (sender, receiver) = watch::channel(0);
    /// drop(receiver);
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&self) {
        loop {
            self.0.closed.wait(Closed(&self.0), ()).await;
            if self.is_closed() {
                return;
            }
        }
    }

    /// How many receivers wait for another value.
    pub fn waiters(&self) -> usize {
        self.0.changed.len()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.is_over.set(true);
        self.0.changed.choose_all();
        self.0.changed.wake_chosen();
    }
}

impl<T> Receiver<T> {
    fn new(shared: &Rc<Shared<T>>, seen: u64) -> Receiver<T> {
        shared.receivers.set(shared.receivers.get() + 1);
        Receiver { shared: shared.clone(), seen }
    }

    /// Waits for a value that this receiver has not seen, which then counts as seen.
    ///
    /// # Errors
    /// [`RecvError`] if the sender is gone and there is none.
    ///
    /// # Cancel safety
    /// A value that came while this was dropped still counts as not seen.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::watch;
    /// # ringio::run(async {
    /// let (sender, mut receiver) = watch::channel(0);
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// receiver.changed().await.unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// # });
    /// ```
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        let Receiver { shared, seen } = self;
        shared.changed.wait(News { shared, seen: *seen }, ()).await;
        if shared.version.get() == *seen {
            return Err(RecvError);
        }
        *seen = shared.version.get();
        Ok(())
    }

    /// Waits until the value is as wanted, looking at once and at each change.
    ///
    /// # Errors
    /// [`RecvError`] if the sender is gone and it is not.
    ///
    /// # Cancel safety
    /// What was looked at counts as seen.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::watch;
    /// # ringio::run(async {
    /// let (sender, mut receiver) = watch::channel(3);
    /// assert_eq!(*receiver.wait_for(|n| *n > 2).await.unwrap(), 3);
    /// drop(sender);
    /// assert!(receiver.wait_for(|n| *n > 3).await.is_err());
    /// # });
    /// ```
    pub async fn wait_for(
        &mut self,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Result<Ref<'_, T>, RecvError> {
        loop {
            self.seen = self.shared.version.get();
            if wanted(&self.shared.value.borrow()) {
                break;
            }
            self.changed().await?;
        }
        Ok(self.shared.value.borrow())
    }

    /// The value. It cannot be set while it is borrowed; do not keep it across an `await`.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.value.borrow()
    }

    /// The value, which then counts as seen.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        self.seen = self.shared.version.get();
        self.shared.value.borrow()
    }

    /// Whether there is a value that this receiver has not seen.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::watch;
    /// let (sender, mut receiver) = watch::channel(0);
    /// sender.send(1).unwrap();
    /// assert!(receiver.has_changed());
    /// assert_eq!(*receiver.borrow_and_update(), 1);
    /// assert!(!receiver.has_changed());
    /// ```
    pub fn has_changed(&self) -> bool {
        self.shared.version.get() != self.seen
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver::new(&self.shared, self.seen)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let left = self.shared.receivers.get() - 1;
        self.shared.receivers.set(left);
        if left == 0 {
            self.shared.closed.choose_all();
            self.shared.closed.wake_chosen();
        }
    }
}

impl<T> Shared<T> {
    /// There is another version.
    fn tell(&self) {
        self.version.set(self.version.get() + 1);
        self.changed.choose_all();
        self.changed.wake_chosen();
    }
}

/// What a receiver waits for.
struct News<'a, T> {
    shared: &'a Shared<T>,
    seen: u64,
}

impl<T> Gate<()> for News<'_, T> {
    fn pass(&self, (): ()) -> Result<(), ()> {
        let is_news = self.shared.version.get() != self.seen || self.shared.is_over.get();
        if is_news { Ok(()) } else { Err(()) }
    }

    fn left(&self, (): (), _chosen: bool) {}
}

/// What a sender waits for.
struct Closed<'a, T>(&'a Shared<T>);

impl<T> Gate<()> for Closed<'_, T> {
    fn pass(&self, (): ()) -> Result<(), ()> {
        if self.0.receivers.get() == 0 { Ok(()) } else { Err(()) }
    }

    fn left(&self, (): (), _chosen: bool) {}
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("value", &self.0.value)
            .field("receivers", &self.receivers())
            .field("waiters", &self.waiters())
            .finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("value", &self.shared.value)
            .field("changed", &self.has_changed())
            .finish()
    }
}
