//! Boxes for what many have and few need at a time.

use std::any::Any;
use std::cell::RefCell;
use std::mem::forget;

/// So many are kept for later.
const KEEP: usize = 1024;

/// What nobody needs at the moment, last in, first out. All of it is of one type.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    boxes: RefCell<Vec<Box<dyn Any>>>,
}

/// A value while it is needed, or none: an idle owner has the size of a pointer.
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
            let shelved = shelved.map(|shelved| shelved.downcast().expect("of one type"));
            // There is nothing to drop.
            forget(self.0.replace(shelved.unwrap_or_else(made)));
        }
        self.0.as_mut().expect("just put there")
    }

    /// Puts it on the shelf, as good as new. There is nothing in it whose destructor is foreign code.
    #[inline]
    pub(crate) fn give_back(&mut self, shelf: &Shelf) {
        let Some(value) = self.0.take() else { return };
        let mut boxes = shelf.boxes.borrow_mut();
        if boxes.len() < KEEP {
            boxes.push(value);
        }
    }
}

#[cold]
fn made<T: Default>() -> Box<T> {
    Box::default()
}
