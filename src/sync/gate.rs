//! Who need not wait in a [`WaitQueue`](super::wait_queue::WaitQueue).

use crate::util::budget;

/// What stands behind a queue: it says who need not wait, and hears of waiters that have gone.
///
/// A waiter brings a word, and gets one when it is chosen: how many permits it wants, an item
/// to be put, the item that it is given.
pub(crate) trait Gate<T> {
    /// Whether what is waited for may have come and gone by the task's next turn. Then one is in line from
    /// its first poll on, though the task has used up its budget; what it could have at once it has then.
    const PASSES: bool = false;

    /// Lets somebody who is not in line have what he wants at once, and says what he gets; or gives
    /// his word back, also whenever he would overtake somebody. It may be asked several times.
    ///
    /// # Errors
    /// The word: he has to wait.
    fn pass(&self, word: T) -> Result<T, T>;

    /// As [`pass`](Gate::pass), at the cost of the task's budget. Asked before a [`Wait`] is made, it spares
    /// who need not wait most of the way.
    ///
    /// # Errors
    /// The word: he has to wait, or there is no budget left.
    #[inline]
    fn at_once(&self, word: T) -> Result<T, T> {
        budget::at_once(word, |word| self.pass(word))
    }

    /// A waiter was dropped. If it was chosen before, what it was given must go to somebody else; if
    /// not, those behind it may now have what they want. It is not in line any more.
    fn left(&self, word: T, chosen: bool);
}

impl<T, G: Gate<T> + ?Sized> Gate<T> for &G {
    const PASSES: bool = G::PASSES;

    #[inline]
    fn pass(&self, word: T) -> Result<T, T> {
        (**self).pass(word)
    }

    #[inline]
    fn left(&self, word: T, chosen: bool) {
        (**self).left(word, chosen);
    }
}
