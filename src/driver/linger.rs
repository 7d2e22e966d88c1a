//! What a loop that ends waits for, a little while, before it takes everything back.

use std::rc::Rc;

use super::core::Driver;

/// Something is on its way out whose owner has said its last word: a writer that is being closed.
#[derive(Debug)]
pub(crate) struct Linger(Rc<Driver>);

impl Driver {
    /// Asks a loop that ends to wait until this is dropped.
    pub(crate) fn linger(self: &Rc<Self>) -> Linger {
        self.lingering.set(self.lingering.get() + 1);
        Linger(self.clone())
    }

    /// Whether it is worth waiting.
    pub(crate) fn is_lingering(&self) -> bool {
        self.lingering.get() > 0
    }
}

impl Drop for Linger {
    fn drop(&mut self) {
        self.0.lingering.set(self.0.lingering.get() - 1);
    }
}
