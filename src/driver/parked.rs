//! Whether a loop must be rung for.

use crate::util::sync::{AtomicBool, Ordering, fence};

/// The flag between a loop that is about to wait and those who give it something to do.
///
/// Ringer and loop each store first and then load what the other stored, with a sequentially
/// consistent fence between: at least one of them sees the other.
#[derive(Debug)]
pub(crate) struct Parked {
    flag: AtomicBool,
}

impl Parked {
    /// Of a loop that is awake.
    pub(crate) fn new() -> Parked {
        Parked { flag: AtomicBool::new(false) }
    }

    /// The loop is about to park: after this it looks once more for work, then waits.
    #[inline]
    pub(crate) fn announce(&self) {
        self.flag.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The loop is awake. Says whether somebody has rung since it announced that it would park.
    #[inline]
    pub(crate) fn withdraw(&self) -> bool {
        let rung = !self.flag.load(Ordering::Relaxed);
        self.flag.store(false, Ordering::Relaxed);
        rung
    }

    /// Whether the caller, who has left something for the loop, must ring. Of all who ask about
    /// one park one is told so.
    #[inline]
    pub(crate) fn must_ring(&self) -> bool {
        fence(Ordering::SeqCst);
        self.flag.load(Ordering::Relaxed) && self.flag.swap(false, Ordering::Relaxed)
    }
}
