//! A nudge for one, or for all.

use std::cell::Cell;
use std::fmt;

use super::by::By;
use super::wait_queue::{Gate, WaitQueue};

/// Notifies tasks that something may have changed, without saying what.
///
/// A notification for one that finds nobody waiting is kept for the next who comes; there is one at
/// most. A notification for all is for those who wait now.
///
/// # Examples
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use ringio::sync::Notify;
/// ringio::run(async {
///     let (jobs, more) = (Rc::new(RefCell::new(vec!["first"])), Rc::new(Notify::new()));
///     let worker = ringio::spawn({
///         let (jobs, more) = (jobs.clone(), more.clone());
///         async move {
///             loop {
///                 let job = jobs.borrow_mut().pop();
///                 match job {
///                     Some("last") => break,
///                     Some(_) => {}
///                     None => more.notified().await,
///                 }
///             }
///         }
///     });
///     ringio::yield_now().await;
///     jobs.borrow_mut().push("last");
///     more.notify_one();
///     worker.await.unwrap();
/// });
/// ```
#[derive(Default)]
pub struct Notify {
    /// A notification that nobody has had yet; then nobody waits.
    kept: Cell<bool>,
    queue: WaitQueue<By>,
}

impl Notify {
    /// One without a notification.
    pub const fn new() -> Notify {
        Notify { kept: Cell::new(false), queue: WaitQueue::new() }
    }

    /// Waits for a notification, or takes the one that was kept. It stands in line from its first poll on.
    ///
    /// # Cancel safety
    /// If it is dropped after a [`notify_one`](Notify::notify_one) has chosen it, the next one has the
    /// notification, or it is kept.
    #[inline]
    pub async fn notified(&self) {
        self.queue.wait(self, By::All).await;
    }

    /// Notifies the first who waits. If nobody does, the next who comes need not wait.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Notify;
    /// # ringio::run(async {
    /// let notify = Notify::new();
    /// notify.notify_one();
    /// notify.notified().await;
    /// # });
    /// ```
    pub fn notify_one(&self) {
        match self.queue.choose(By::One) {
            Ok(_) => self.queue.wake_chosen(),
            Err(_) => self.kept.set(true),
        }
    }

    /// Notifies everybody who waits now.
    #[doc(alias = "notify_waiters")]
    pub fn notify_all(&self) {
        self.queue.choose_all();
        self.queue.wake_chosen();
    }

    /// How many wait.
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }
}

impl Gate<By> for Notify {
    const PASSES: bool = true;

    #[inline]
    fn pass(&self, by: By) -> Result<By, By> {
        if self.kept.take() { Ok(By::One) } else { Err(by) }
    }

    fn left(&self, by: By, chosen: bool) {
        if chosen && by == By::One {
            self.notify_one();
        }
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify")
            .field("kept", &self.kept.get())
            .field("waiters", &self.waiters())
            .finish()
    }
}
