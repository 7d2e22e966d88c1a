//! The link of a list that goes from thread to thread.

use std::sync::atomic::{AtomicPtr, Ordering};

/// A pointer that one thread at a time uses: who may is settled by whatever hands it over, which
/// also orders the uses. `tests/models` replaces it by one that notices two at once.
#[derive(Debug)]
pub(crate) struct Link<T>(AtomicPtr<T>);

impl<T> Link<T> {
    /// A link to nothing.
    pub(crate) fn new() -> Link<T> {
        Link(AtomicPtr::default())
    }

    #[inline]
    pub(crate) fn get(&self) -> *mut T {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, to: *mut T) {
        self.0.store(to, Ordering::Relaxed);
    }
}
