//! A place for one waker.

use std::cell::Cell;
use std::task::Waker;

/// Puts a waker into its place, unless one that does the same is there.
#[inline]
pub(crate) fn leave(place: &Cell<Option<Waker>>, waker: &Waker) {
    let before = place.take();
    if before.as_ref().is_some_and(|before| before.will_wake(waker)) {
        place.set(before);
        return;
    }
    // Cloning and dropping wakers is foreign code, which may take what it finds here.
    place.set(Some(waker.clone()));
    drop(before);
}
