//! `src/util/link.rs` as what it stands for: a cell that two threads must not use at once.

use std::cell::Cell;

use crate::ledger::{Life, touch};

#[derive(Debug)]
pub(crate) struct Link<T> {
    to: Cell<*mut T>,
    uses: Life,
}

impl<T> Link<T> {
    pub(crate) fn new() -> Link<T> {
        Link { to: Cell::new(std::ptr::null_mut()), uses: Life::default() }
    }

    #[track_caller]
    pub(crate) fn get(&self) -> *mut T {
        touch(self);
        self.uses.read();
        self.to.get()
    }

    #[track_caller]
    pub(crate) fn set(&self, to: *mut T) {
        touch(self);
        self.uses.write();
        self.to.set(to);
    }
}
