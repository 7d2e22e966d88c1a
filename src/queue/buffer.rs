//! What a queue keeps its items in, which is all that tells the three queues apart.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::util::contain::Payload;

/// Items in the order in which they will leave.
pub(super) trait Buffer<T>: Default {
    /// Whether it compares items, which is foreign code: it may use the queue, or panic.
    const COMPARES: bool = false;

    /// Whether items are being compared right now. Then nothing may be pushed or popped.
    fn is_busy(&self) -> bool {
        false
    }

    /// # Errors
    /// What a comparison has panicked with. The item is in all the same.
    fn push(&self, item: T) -> Result<(), Payload>;

    /// The next item. A queue without an order of its own leaves out the first `reserved` ones, which
    /// are there for others.
    ///
    /// # Errors
    /// What a comparison has panicked with. Then nothing was taken.
    fn pop(&self, reserved: usize) -> Result<Option<T>, Payload>;

    /// Takes an item back that was popped last, without a comparison.
    fn restore(&self, item: T);

    /// All that is in it.
    fn take(&self) -> Self;
}

/// First in, first out.
pub(super) struct Fifo<T>(RefCell<VecDeque<T>>);

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Fifo(RefCell::default())
    }
}

impl<T> Fifo<T> {
    #[cold]
    fn remove(&self, place: usize) -> Option<T> {
        self.0.borrow_mut().remove(place)
    }
}

impl<T> Buffer<T> for Fifo<T> {
    #[inline]
    fn push(&self, item: T) -> Result<(), Payload> {
        self.0.borrow_mut().push_back(item);
        Ok(())
    }

    #[inline]
    fn pop(&self, reserved: usize) -> Result<Option<T>, Payload> {
        Ok(if reserved == 0 { self.0.borrow_mut().pop_front() } else { self.remove(reserved) })
    }

    fn restore(&self, item: T) {
        self.0.borrow_mut().push_front(item);
    }

    fn take(&self) -> Self {
        Fifo(RefCell::new(self.0.take()))
    }
}

/// Last in, first out.
pub(super) struct Lifo<T>(RefCell<Vec<T>>);

impl<T> Default for Lifo<T> {
    fn default() -> Self {
        Lifo(RefCell::default())
    }
}

impl<T> Buffer<T> for Lifo<T> {
    #[inline]
    fn push(&self, item: T) -> Result<(), Payload> {
        self.0.borrow_mut().push(item);
        Ok(())
    }

    #[inline]
    fn pop(&self, _reserved: usize) -> Result<Option<T>, Payload> {
        Ok(self.0.borrow_mut().pop())
    }

    fn restore(&self, item: T) {
        self.0.borrow_mut().push(item);
    }

    fn take(&self) -> Self {
        Lifo(RefCell::new(self.0.take()))
    }
}
