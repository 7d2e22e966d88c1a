//! Nobody goes on before all are there.

use std::cell::Cell;
use std::fmt;

use super::error::BrokenBarrier;
use super::wait_queue::{Gate, WaitQueue};

/// A place where tasks wait until so many are there; then all go on, and it can be used again.
///
/// The last to come lets all go at once: whoever comes after him waits for the next time, though
/// the others have not run yet.
///
/// # Examples
/// ```
/// use ringio::sync::Barrier;
/// ringio::run(async {
///     let barrier = Barrier::new(3);
///     let mut places = ringio::gather((0..3).map(|_| barrier.wait())).await;
///     places.sort_by_key(|place| *place.as_ref().unwrap());
///     assert_eq!(places, [Ok(0), Ok(1), Ok(2)]);
/// });
/// ```
pub struct Barrier {
    parties: usize,
    broken: Cell<bool>,
    /// The word is the index of one that may go on; none, for one who waits, if it broke.
    queue: WaitQueue<Option<usize>>,
}

impl Barrier {
    /// One for `parties` tasks.
    ///
    /// # Panics
    /// If `parties` is 0.
    pub const fn new(parties: usize) -> Barrier {
        assert!(parties > 0, "a barrier is for one task at least");
        Barrier { parties, broken: Cell::new(false), queue: WaitQueue::new() }
    }

    /// Waits until all are there. Each gets another number below [`parties`](Barrier::parties), the last
    /// to come gets the greatest.
    ///
    /// # Errors
    /// [`BrokenBarrier`] if it is [aborted](Barrier::abort), or [reset](Barrier::reset) while this waits.
    ///
    /// # Cancel safety
    /// A future that is dropped while it waits does not count any more. Once all were there the others
    /// go on without it.
    #[inline]
    pub async fn wait(&self) -> Result<usize, BrokenBarrier> {
        self.queue.wait(self, None).await.ok_or(BrokenBarrier)
    }

    /// Breaks it for those who wait, and mends it for those who come.
    pub fn reset(&self) {
        self.broken.set(false);
        self.queue.choose_all();
        self.queue.wake_chosen();
    }

    /// Breaks it for those who wait and those who come, until it is [reset](Barrier::reset).
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::{Barrier, BrokenBarrier};
    /// # ringio::run(async {
    /// let barrier = Barrier::new(1);
    /// barrier.abort();
    /// assert_eq!(barrier.wait().await, Err(BrokenBarrier));
    /// barrier.reset();
    /// assert_eq!(barrier.wait().await, Ok(0));
    /// # });
    /// ```
    pub fn abort(&self) {
        self.broken.set(true);
        self.queue.choose_all();
        self.queue.wake_chosen();
    }

    /// How many have to come.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many have come and wait.
    #[doc(alias = "n_waiting")]
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }

    /// Whether it was aborted.
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> bool {
        self.broken.get()
    }
}

impl Gate<Option<usize>> for Barrier {
    fn pass(&self, word: Option<usize>) -> Result<Option<usize>, Option<usize>> {
        if self.broken.get() {
            return Ok(None);
        }
        if self.queue.len() + 1 < self.parties {
            return Err(word);
        }
        let others = self.queue.choose_many(self.parties, Some);
        self.queue.wake_chosen();
        Ok(Some(others))
    }

    fn left(&self, _word: Option<usize>, _chosen: bool) {}
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("waiters", &self.waiters())
            .field("broken", &self.is_broken())
            .finish()
    }
}
