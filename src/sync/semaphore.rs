//! So many at a time.

use std::cell::Cell;
use std::fmt;
use std::mem::forget;

use super::error::OverRelease;
use super::wait_queue::{Gate, WaitQueue};

/// A number of permits that tasks take and give back.
///
/// Whoever asks first gets his first: somebody who wants many is waited for by those behind him, though
/// there be enough for them.
///
/// # Examples
/// ```
/// use ringio::sync::Semaphore;
/// ringio::run(async {
///     let two = Semaphore::new(2);
///     let fetch = async |page| {
///         let _permit = two.acquire().await;
///         ringio::yield_now().await;
///         page
///     };
///     assert_eq!(ringio::gather((0..5).map(&fetch)).await, [0, 1, 2, 3, 4]);
/// });
/// ```
#[doc(alias = "BoundedSemaphore")]
pub struct Semaphore {
    permits: Cell<usize>,
    bound: usize,
    queue: WaitQueue<usize>,
}

impl Semaphore {
    /// One with `n` permits, to which more may be added.
    pub const fn new(n: usize) -> Semaphore {
        Semaphore { permits: Cell::new(n), bound: usize::MAX, queue: WaitQueue::new() }
    }

    /// One with `n` permits, which will never have more.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Semaphore;
    /// let semaphore = Semaphore::bounded(1);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert!(semaphore.release(1).is_ok());
    /// assert!(semaphore.release(1).is_err());
    /// ```
    #[doc(alias = "BoundedSemaphore")]
    pub const fn bounded(n: usize) -> Semaphore {
        Semaphore { permits: Cell::new(n), bound: n, queue: WaitQueue::new() }
    }

    /// Takes a permit as soon as it is one's turn. It is given back when it is dropped.
    ///
    /// # Cancel safety
    /// A future that is dropped leaves the line. If it had been given a permit, the next one gets it.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Semaphore;
    /// # ringio::run(async {
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.acquire().await;
    /// assert!(semaphore.is_locked());
    /// # drop(permit);
    /// # });
    /// ```
    #[inline]
    pub async fn acquire(&self) -> Permit<'_> {
        if self.at_once(1).is_err() {
            self.queue.wait(self, 1).await;
        }
        Permit { semaphore: self, count: 1 }
    }

    /// Takes `n` permits at once. Those who ask later wait for this, also if they want fewer.
    ///
    /// One that wants more than there will ever be waits, and is waited for, until it is dropped.
    ///
    /// # Cancel safety
    /// As with [`acquire`](Semaphore::acquire).
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Semaphore;
    /// # ringio::run(async {
    /// let semaphore = Semaphore::new(3);
    /// let permit = semaphore.acquire_many(2).await;
    /// assert_eq!((permit.count(), semaphore.available()), (2, 1));
    /// # });
    /// ```
    #[inline]
    pub async fn acquire_many(&self, n: usize) -> Permit<'_> {
        if self.at_once(n).is_err() {
            self.queue.wait(self, n).await;
        }
        Permit { semaphore: self, count: n }
    }

    /// Takes a permit if there is one and nobody waits.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if there are so many and nobody waits.
    #[inline]
    pub fn try_acquire_many(&self, n: usize) -> Option<Permit<'_>> {
        self.pass(n).is_ok().then(|| Permit { semaphore: self, count: n })
    }

    /// Adds `n` permits, which go to those who wait.
    ///
    /// # Errors
    /// [`OverRelease`] if there would be more than a [`bounded`](Semaphore::bounded) one began with, or
    /// more than a number can count. Then none is added.
    pub fn release(&self, n: usize) -> Result<(), OverRelease> {
        let available = self.permits.get();
        match available.checked_add(n) {
            Some(sum) if sum <= self.bound => {
                self.permits.set(sum);
                self.serve();
                Ok(())
            }
            _ => Err(OverRelease { released: n, available, bound: self.bound }),
        }
    }

    /// How many permits nobody has. There may be some though somebody waits: he wants more.
    pub fn available(&self) -> usize {
        self.permits.get()
    }

    /// Whether [`acquire`](Semaphore::acquire) would wait: there is no permit, or somebody waits.
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.permits.get() == 0 || !self.queue.is_empty()
    }

    /// How many wait for their turn.
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }

    /// Takes permits back; a bounded one that has been given others meanwhile keeps to its bound.
    #[inline]
    fn put_back(&self, n: usize) {
        self.permits.set(self.permits.get().saturating_add(n).min(self.bound));
        if !self.queue.is_empty() {
            self.serve();
        }
    }

    /// Gives those who wait what they want, in order, for as long as there is enough.
    fn serve(&self) {
        while let Some(wanted) = self.queue.peek() {
            let Some(rest) = self.permits.get().checked_sub(wanted) else { break };
            self.permits.set(rest);
            // It was just there.
            let _ = self.queue.choose(wanted);
        }
        self.queue.wake_chosen();
    }
}

impl Gate<usize> for Semaphore {
    #[inline]
    fn pass(&self, wanted: usize) -> Result<usize, usize> {
        match self.permits.get().checked_sub(wanted) {
            Some(rest) if self.queue.is_empty() => {
                self.permits.set(rest);
                Ok(wanted)
            }
            _ => Err(wanted),
        }
    }

    fn left(&self, wanted: usize, chosen: bool) {
        if chosen {
            self.put_back(wanted);
        } else {
            // It may have stood before others that want fewer.
            self.serve();
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .field("waiters", &self.waiters())
            .finish_non_exhaustive()
    }
}

/// Permits of a [`Semaphore`], given back when they are dropped.
///
/// # Examples
/// ```
/// # use ringio::sync::Semaphore;
/// let semaphore = Semaphore::new(1);
/// let permit = semaphore.try_acquire().unwrap();
/// assert!(semaphore.is_locked());
/// drop(permit);
/// assert_eq!(semaphore.available(), 1);
/// ```
#[must_use = "dropped, it gives its permits back"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    count: usize,
}

impl Permit<'_> {
    /// How many permits these are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Does not give them back; the semaphore has fewer from now on.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Semaphore;
    /// let semaphore = Semaphore::new(2);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert_eq!(semaphore.available(), 1);
    /// ```
    pub fn forget(self) {
        forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.put_back(self.count);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("count", &self.count).finish_non_exhaustive()
    }
}
