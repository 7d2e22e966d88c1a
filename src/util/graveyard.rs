//! Where user values go that must not be dropped yet.

use std::any::Any;
use std::cell::{Cell, RefCell};

use super::contain::contain;

/// Values whose destructor is user code and may call back into the runtime: they are buried while
/// something is borrowed, and dropped by [`Graveyard::empty`] when nothing is.
#[derive(Debug, Default)]
pub(crate) struct Graveyard {
    buried: RefCell<Vec<Box<dyn Any>>>,
    /// Whether something was buried since it was last empty.
    occupied: Cell<bool>,
}

impl Graveyard {
    pub(crate) fn bury(&self, value: Box<dyn Any>) {
        self.occupied.set(true);
        self.buried.borrow_mut().push(value);
    }

    /// Drops what was buried, and what those destructors bury in turn. A panic of one ends here:
    /// the loop, which may be closing with operations in flight, goes on.
    #[inline]
    pub(crate) fn empty(&self) {
        if self.occupied.replace(false) {
            self.drop_all();
        }
    }

    fn drop_all(&self) {
        loop {
            let Some(value) = self.buried.borrow_mut().pop() else { return };
            contain(|| drop(value));
        }
    }
}
