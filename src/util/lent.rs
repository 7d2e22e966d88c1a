//! Boxes for what many have and few need at a time.

use std::any::Any;
use std::cell::RefCell;
use std::mem::forget;

/// What nobody needs at the moment, last in, first out.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    boxes: RefCell<Vec<Box<dyn Any>>>,
}

/// A value while it is needed, or none. An idle owner has the size of a pointer, and there are as
/// many values as were ever needed at once.
#[derive(Debug)]
pub(crate) struct Lent<T>(Option<Box<T>>);

impl<T> Default for Lent<T> {
    fn default() -> Self {
        Lent(None)
    }
}

impl<T: Default + 'static> Lent<T> {
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// The value; if there was none, one from the shelf, or a new one.
    #[inline(always)]
    pub(crate) fn take(&mut self, shelf: &Shelf) -> &mut T {
        if self.0.is_none() {
            let shelved = shelf.boxes.borrow_mut().pop();
            let shelved = shelved.and_then(|shelved| shelved.downcast().ok());
            // There is nothing to drop.
            forget(self.0.replace(shelved.unwrap_or_else(made)));
        }
        self.0.as_mut().expect("just put there")
    }

    /// Puts it on the shelf, as good as new.
    #[inline]
    pub(crate) fn give_back(&mut self, shelf: &Shelf) {
        if let Some(value) = self.0.take() {
            shelf.boxes.borrow_mut().push(value);
        }
    }
}

#[cold]
fn made<T: Default>() -> Box<T> {
    Box::default()
}
