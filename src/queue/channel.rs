//! What the ends of a channel share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::PoisonError;
use std::task::Waker;

use crate::util::sync::{Arc, Mutex, MutexGuard};

use super::error::{TryGetError, TryPutError};
use super::receiver::Receiver;
use super::sender::Sender;

/// A bounded channel between loops, or threads: any number of senders, one receiver.
///
/// Its ends are `Send` and bound to no loop. An end that waits is woken through its loop's
/// doorbell: a loop that is awake costs the other side no system call, a parked one a message from
/// ring to ring. `capacity` items (at least one) may be under way; then senders wait, first come
/// first served.
///
/// # Examples
/// ```
/// use ringio::queue::channel;
/// let (sender, mut receiver) = channel(16);
/// let thread = std::thread::spawn(move || {
///     ringio::run(async move {
///         for number in 1..=4 {
///             sender.send(number).await.unwrap();
///         }
///     });
/// });
/// let sum = ringio::run(async {
///     let mut sum = 0;
///     while let Some(number) = receiver.recv().await {
///         sum += number;
///     }
///     sum
/// });
/// assert_eq!(sum, 10);
/// thread.join().unwrap();
/// ```
#[doc(alias = "mpsc")]
#[doc(alias = "Queue")]
pub fn channel<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            items: VecDeque::new(),
            receiver: None,
            senders: 1,
            closed: false,
            is_crowded: false,
            line: BTreeMap::new(),
            tickets: 0,
        }),
        capacity: capacity.max(1),
    });
    (Sender::new(shared.clone()), Receiver::new(shared))
}

/// A queue under a lock that is held for some moves and nothing else: wakers are cloned before it,
/// woken and dropped after it, and so are items.
/// Each cache line that it touches travels from core to core, so what every call needs is in one.
#[repr(C, align(64))]
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    pub(super) capacity: usize,
}

#[repr(C)]
struct State<T> {
    /// At most `capacity`.
    items: VecDeque<T>,
    /// The receiver's, while it waits.
    receiver: Option<Waker>,
    senders: u32,
    /// The receiver is gone.
    closed: bool,
    /// Somebody is in line.
    is_crowded: bool,
    /// What follows the items once there is room.
    line: BTreeMap<Ticket, Waiting<T>>,
    tickets: u64,
}

/// A sender's place among those who wait.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// An item that a sender has left outside, and how to tell it that the item is in.
struct Waiting<T> {
    item: T,
    sender: Option<Waker>,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Puts an item in, or in line if there is a waker for that.
    ///
    /// # Errors
    /// The item comes back if it can do neither.
    #[inline]
    pub(super) fn offer(
        &self,
        item: T,
        sender: Option<Waker>,
    ) -> Result<Option<Ticket>, TryPutError<T>> {
        let mut state = self.lock();
        if state.closed {
            return Err(TryPutError::ShutDown(item));
        }
        if state.items.len() < self.capacity {
            state.items.push_back(item);
            let receiver = state.receiver.take();
            drop(state);
            wake(receiver);
            return Ok(None);
        }
        if sender.is_none() {
            return Err(TryPutError::Full(item));
        }
        let ticket = Ticket(state.tickets);
        state.tickets += 1;
        state.line.insert(ticket, Waiting { item, sender });
        state.is_crowded = true;
        Ok(Some(ticket))
    }

    /// Asks again for an item in line: `None` if it is in by now.
    ///
    /// # Errors
    /// The item comes back when the receiver is gone.
    pub(super) fn stay(&self, ticket: Ticket, sender: Waker) -> Result<Option<Ticket>, T> {
        let mut state = self.lock();
        if state.closed {
            let waiting = state.line.remove(&ticket);
            return waiting.map_or(Ok(None), |waiting| Err(waiting.item));
        }
        let Some(waiting) = state.line.get_mut(&ticket) else {
            return Ok(None);
        };
        let before = waiting.sender.replace(sender);
        drop(state);
        drop(before);
        Ok(Some(ticket))
    }

    /// Takes an item out of the line.
    pub(super) fn leave(&self, ticket: Ticket) {
        let mut state = self.lock();
        let waiting = state.line.remove(&ticket);
        state.is_crowded = !state.line.is_empty();
        drop(state);
        drop(waiting);
    }

    /// Takes the next item out, and lets in that of whoever has waited longest. If there is none,
    /// the waker is kept for the next.
    #[inline]
    pub(super) fn accept(&self, receiver: Option<Waker>) -> Result<T, TryGetError> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            let next = if state.is_crowded { state.let_in() } else { None };
            drop(state);
            wake(next);
            return Ok(item);
        }
        if state.senders == 0 {
            return Err(TryGetError::ShutDown);
        }
        if receiver.is_some() {
            let before = std::mem::replace(&mut state.receiver, receiver);
            drop(state);
            drop(before);
        }
        Err(TryGetError::Empty)
    }

    pub(super) fn add_sender(&self) {
        let mut state = self.lock();
        state.senders = state.senders.checked_add(1).expect("more senders than memory holds");
    }

    pub(super) fn remove_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        let receiver = if state.senders == 0 { state.receiver.take() } else { None };
        drop(state);
        wake(receiver);
    }

    /// The receiver goes. Those in line find their items there.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let (items, receiver) = (std::mem::take(&mut state.items), state.receiver.take());
        let senders: Vec<_> =
            state.line.values_mut().map(|waiting| waiting.sender.take()).collect();
        drop(state);
        senders.into_iter().for_each(wake);
        drop((items, receiver));
    }
}

impl<T> State<T> {
    /// Lets in the item of whoever has waited longest, and gives its waker.
    fn let_in(&mut self) -> Option<Waker> {
        let next = self.line.pop_first();
        self.is_crowded = !self.line.is_empty();
        let (_, next) = next?;
        self.items.push_back(next.item);
        next.sender
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
