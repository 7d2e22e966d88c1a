//! Every value, to everybody.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use super::wait_queue::{Gate, WaitQueue};

/// Many senders, many receivers: each value goes to every receiver that was there when it was sent.
///
/// The last `capacity` values are kept. Nobody waits to send: a receiver that is slower than that loses
/// the oldest, and is told how many.
///
/// # Panics
/// If `capacity` is 0.
///
/// # Examples
/// ```
/// use ringio::sync::broadcast::{self, BroadcastError};
/// ringio::run(async {
///     let (sender, mut a) = broadcast::channel(2);
///     let mut b = sender.subscribe();
///     assert_eq!(sender.send("x"), Ok(2));
///     assert_eq!((a.recv().await, b.recv().await), (Ok("x"), Ok("x")));
///     drop(sender);
///     assert_eq!(a.recv().await, Err(BroadcastError::Closed));
/// });
/// ```
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a broadcast channel keeps one value at least");
    let shared = Rc::new(Shared {
        capacity,
        kept: RefCell::new(VecDeque::with_capacity(capacity)),
        next: Cell::new(0),
        senders: Cell::new(1),
        receivers: Cell::new(0),
        queue: WaitQueue::new(),
    });
    let receiver = Receiver::new(&shared);
    (Sender(shared), receiver)
}

/// An end of a [`channel`] that values go into; clones send into the same.
///
/// Once all are dropped, receivers get what is left and then [`Closed`](BroadcastError::Closed).
///
/// # Examples
/// ```
/// # use ringio::sync::broadcast;
/// let (sender, receiver) = broadcast::channel(8);
/// let other = sender.clone().subscribe();
/// assert_eq!(sender.send(1), Ok(2));
/// drop((receiver, other));
/// assert_eq!(sender.send(2), Err(2));
/// ```
pub struct Sender<T>(Rc<Shared<T>>);

/// An end of a [`channel`] that values come out of.
///
/// # Examples
/// ```
/// # use ringio::sync::broadcast;
/// # ringio::run(async {
/// let (sender, mut receiver) = broadcast::channel(8);
/// sender.send("news").unwrap();
/// assert_eq!(receiver.recv().await, Ok("news"));
/// assert!(receiver.is_empty());
/// # });
/// ```
pub struct Receiver<T> {
    shared: Rc<Shared<T>>,
    /// The number of the value that it gets next.
    next: u64,
}

/// Why there is no value.
///
/// # Examples
/// ```
/// use ringio::sync::broadcast::{self, BroadcastError};
/// ringio::run(async {
///     let (sender, mut receiver) = broadcast::channel(1);
///     sender.send(1).unwrap();
///     sender.send(2).unwrap();
///     assert_eq!(receiver.recv().await, Err(BroadcastError::Lagged(1)));
///     assert_eq!(receiver.recv().await, Ok(2));
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastError {
    /// The receiver was too slow and has lost so many values. It goes on with the oldest that is kept.
    Lagged(u64),
    /// All senders are gone, and all that they have sent was received.
    Closed,
}

impl fmt::Display for BroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BroadcastError::Lagged(n) => write!(f, "{n} values were lost by a slow receiver"),
            BroadcastError::Closed => f.write_str("all senders are gone"),
        }
    }
}

impl Error for BroadcastError {}

struct Shared<T> {
    capacity: usize,
    /// The last values, up to the number before `next`.
    kept: RefCell<VecDeque<Kept<T>>>,
    /// The number of the value that is sent next.
    next: Cell<u64>,
    senders: Cell<usize>,
    receivers: Cell<usize>,
    /// Receivers that have received everything.
    queue: WaitQueue<()>,
}

struct Kept<T> {
    /// Shared, for it is cloned, which is foreign code, while nothing is borrowed. Gone once everybody
    /// had it.
    value: Option<Rc<T>>,
    /// How many receivers have yet to get it.
    unread: usize,
}

impl<T: Clone> Sender<T> {
    /// Sends a value to every receiver, and says how many these are.
    ///
    /// # Errors
    /// The value, if there is no receiver.
    pub fn send(&self, value: T) -> Result<usize, T> {
        let shared = &*self.0;
        let receivers = shared.receivers.get();
        if receivers == 0 {
            return Err(value);
        }
        let value = Some(Rc::new(value));
        // What has to make room is foreign and goes last.
        let _oldest = {
            let mut kept = shared.kept.borrow_mut();
            let oldest = if kept.len() == shared.capacity { kept.pop_front() } else { None };
            kept.push_back(Kept { value, unread: receivers });
            oldest
        };
        shared.next.set(shared.next.get() + 1);
        shared.queue.choose_all();
        shared.queue.wake_chosen();
        Ok(receivers)
    }

    /// Another receiver, which gets what is sent from now on.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(&self.0)
    }
}

impl<T> Sender<T> {
    /// How many receivers there are.
    pub fn receivers(&self) -> usize {
        self.0.receivers.get()
    }

    /// How many of them wait for a value.
    pub fn waiters(&self) -> usize {
        self.0.queue.len()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.set(self.0.senders.get() + 1);
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let left = self.0.senders.get() - 1;
        self.0.senders.set(left);
        if left == 0 {
            self.0.queue.choose_all();
            self.0.queue.wake_chosen();
        }
    }
}

impl<T: Clone> Receiver<T> {
    /// The next value, as soon as there is one.
    ///
    /// # Errors
    /// [`BroadcastError`] if values were lost, or none will come.
    ///
    /// # Cancel safety
    /// A value is taken by the poll that gives it; a future that is dropped before has taken none.
    pub async fn recv(&mut self) -> Result<T, BroadcastError> {
        loop {
            let shared = &*self.shared;
            shared.queue.wait(News { shared, next: self.next }, ()).await;
            if let Some(value) = self.try_recv().transpose() {
                return value;
            }
        }
    }

    /// The next value, if it is there.
    ///
    /// # Errors
    /// [`BroadcastError`] if values were lost, or none will come.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::broadcast;
    /// let (sender, mut receiver) = broadcast::channel(8);
    /// assert_eq!(receiver.try_recv(), Ok(None));
    /// sender.send('a').unwrap();
    /// assert_eq!((receiver.len(), receiver.try_recv()), (1, Ok(Some('a'))));
    /// ```
    pub fn try_recv(&mut self) -> Result<Option<T>, BroadcastError> {
        let oldest = self.shared.oldest();
        if let Some(lost @ 1..) = oldest.checked_sub(self.next) {
            self.next = oldest;
            return Err(BroadcastError::Lagged(lost));
        }
        if self.next < self.shared.next.get() {
            let value = self.shared.read(self.next);
            self.next += 1;
            return Ok(value.map(|value| Rc::try_unwrap(value).unwrap_or_else(|v| (*v).clone())));
        }
        if self.shared.senders.get() == 0 { Err(BroadcastError::Closed) } else { Ok(None) }
    }
}

impl<T> Receiver<T> {
    fn new(shared: &Rc<Shared<T>>) -> Receiver<T> {
        shared.receivers.set(shared.receivers.get() + 1);
        Receiver { shared: shared.clone(), next: shared.next.get() }
    }

    /// How many values it can receive now.
    pub fn len(&self) -> usize {
        let from = self.next.max(self.shared.oldest());
        usize::try_from(self.shared.next.get() - from).unwrap_or(usize::MAX)
    }

    /// Whether it has received everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let shared = &*self.shared;
        shared.receivers.set(shared.receivers.get() - 1);
        // It counts as having read the rest. What nobody else wants is foreign, and dropped one by one
        // while nothing is borrowed.
        for number in self.next.max(shared.oldest())..shared.next.get() {
            drop(shared.read(number));
        }
    }
}

impl<T> Shared<T> {
    /// The number of the oldest value that is kept.
    fn oldest(&self) -> u64 {
        self.next.get() - self.kept.borrow().len() as u64
    }

    /// Gets a value for one receiver; nothing if it is not kept any more.
    fn read(&self, number: u64) -> Option<Rc<T>> {
        let at = number.checked_sub(self.oldest())?;
        let mut kept = self.kept.borrow_mut();
        let kept = kept.get_mut(usize::try_from(at).ok()?)?;
        kept.unread -= 1;
        if kept.unread == 0 { kept.value.take() } else { kept.value.clone() }
    }
}

/// What a receiver waits for.
struct News<'a, T> {
    shared: &'a Shared<T>,
    next: u64,
}

impl<T> Gate<()> for News<'_, T> {
    fn pass(&self, (): ()) -> Result<(), ()> {
        let is_news = self.shared.next.get() != self.next || self.shared.senders.get() == 0;
        if is_news { Ok(()) } else { Err(()) }
    }

    fn left(&self, (): (), _chosen: bool) {}
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("receivers", &self.receivers())
            .field("waiters", &self.waiters())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).finish_non_exhaustive()
    }
}
