//! Wakers gathered while something is borrowed, woken after the borrow has ended.

use std::task::Waker;

use super::contain::contain;

/// Collects wakers; waking or dropping them is user code, so it happens in [`WakeBatch::wake_all`]
/// only, when no part of the runtime is borrowed.
#[derive(Debug, Default)]
pub(crate) struct WakeBatch {
    wakers: Vec<Waker>,
}

impl WakeBatch {
    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }

    /// Adds the waker of a slot, if it holds one.
    #[inline]
    pub(crate) fn take_from(&mut self, slot: &mut Option<Waker>) {
        if let Some(waker) = slot.take() {
            self.wakers.push(waker);
        }
    }

    /// Wakes in the order of collection; one that panics takes no other with it. The vector's
    /// memory is kept for the next batch.
    #[inline]
    pub(crate) fn wake_all(&mut self) {
        if self.wakers.len() < 2 {
            // What a loop has that has little to do: it is to be quick.
            let Some(waker) = self.wakers.pop() else { return };
            return contain(|| waker.wake());
        }
        let mut wakers = self.wakers.drain(..);
        while !wakers.as_slice().is_empty() {
            contain(|| wakers.by_ref().for_each(Waker::wake));
        }
    }
}
