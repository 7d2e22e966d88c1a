//! Waiting for a change of what a lock guards.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::by::By;
use super::mutex::MutexGuard;
use super::wait_queue::{Gate, WaitQueue};

/// Lets tasks wait, without the lock, until what a [`Mutex`](super::Mutex) guards was changed.
///
/// # Examples
/// ```
/// use ringio::sync::{Condition, Mutex};
/// ringio::run(async {
///     let (seats, freed) = (Mutex::new(0), Condition::new());
///     let sit = async {
///         let mut seats = freed.wait_while(seats.lock().await, |seats| *seats == 0).await;
///         *seats -= 1;
///     };
///     let free = async {
///         *seats.lock().await += 1;
///         freed.notify(1);
///     };
///     ringio::join!(sit, free);
///     assert_eq!(*seats.lock().await, 0);
/// });
/// ```
#[doc(alias = "Condvar")]
#[derive(Default)]
pub struct Condition {
    queue: WaitQueue<By>,
}

impl Condition {
    /// One that nobody waits for.
    pub const fn new() -> Condition {
        Condition { queue: WaitQueue::new() }
    }

    /// Unlocks, waits for a notification, and locks again.
    ///
    /// It stands in line before it unlocks: no notification of whoever locks next can be missed. In
    /// whatever way it returns, it has the lock.
    ///
    /// # Cancel safety
    /// A future that is dropped has lost the guard, which is what unlocked; it does not lock again. If a
    /// [`notify`](Condition::notify) had chosen it, waiting or while it was locking again, another waiter is
    /// notified in its place.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::{Condition, Mutex};
    /// # ringio::run(async {
    /// let (ready, condition) = (Mutex::new(false), Condition::new());
    /// let wait = async { *condition.wait(ready.lock().await).await };
    /// let tell = async {
    ///     *ready.lock().await = true;
    ///     condition.notify_all();
    /// };
    /// assert!(ringio::join!(wait, tell).0);
    /// # });
    /// ```
    pub async fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex = guard.mutex();
        let mut guard = Some(guard);
        let mut wait = pin!(self.queue.wait(self, By::All));
        let by = poll_fn(|cx| match guard.take() {
            Some(guard) => {
                wait.as_mut().line_up(cx);
                drop(guard);
                Poll::Pending
            }
            None => wait.as_mut().poll(cx),
        });
        let mut notified = Notified { condition: self, by: by.await };
        let guard = mutex.lock().await;
        notified.by = By::All;
        guard
    }

    /// Waits for as long as `blocks` says so of the value. If it says no at first, nothing is waited
    /// for and the lock is kept.
    ///
    /// # Cancel safety
    /// As with [`wait`](Condition::wait).
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::{Condition, Mutex};
    /// # ringio::run(async {
    /// let (jobs, condition) = (Mutex::new(vec![1]), Condition::new());
    /// let guard = condition.wait_while(jobs.lock().await, |jobs| jobs.is_empty()).await;
    /// assert_eq!(*guard, [1]);
    /// # });
    /// ```
    #[doc(alias = "wait_for")]
    pub async fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut blocks: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while blocks(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// Notifies the first `n` who wait; they go on once they have the lock, in that order.
    ///
    /// The lock need not be held.
    pub fn notify(&self, n: usize) {
        self.queue.choose_many(n, |_| By::One);
        self.queue.wake_chosen();
    }

    /// Notifies everybody who waits.
    pub fn notify_all(&self) {
        self.queue.choose_all();
        self.queue.wake_chosen();
    }

    /// How many wait to be notified.
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }
}

impl Gate<By> for Condition {
    fn pass(&self, by: By) -> Result<By, By> {
        Err(by)
    }

    fn left(&self, by: By, chosen: bool) {
        if chosen && by == By::One {
            self.notify(1);
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("waiters", &self.waiters()).finish()
    }
}

/// A notification that was had, by somebody who has yet to lock.
struct Notified<'a> {
    condition: &'a Condition,
    by: By,
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        self.condition.left(self.by, true);
    }
}
