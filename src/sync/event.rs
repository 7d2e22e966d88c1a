//! Something has happened.

use std::cell::Cell;
use std::fmt;

use super::wait_queue::{Gate, WaitQueue};

/// A flag that tasks wait for.
///
/// # Examples
/// ```
/// use std::rc::Rc;
/// use ringio::sync::Event;
/// ringio::run(async {
///     let ready = Rc::new(Event::new());
///     let task = ringio::spawn({
///         let ready = ready.clone();
///         async move { ready.wait().await }
///     });
///     ready.set();
///     task.await.unwrap();
/// });
/// ```
#[derive(Default)]
pub struct Event {
    set: Cell<bool>,
    queue: WaitQueue<()>,
}

impl Event {
    /// One that is not set.
    pub const fn new() -> Event {
        Event { set: Cell::new(false), queue: WaitQueue::new() }
    }

    /// Sets it: everybody who waits now goes on, also if it is cleared before they run, and nobody has to
    /// wait until then.
    pub fn set(&self) {
        self.set.set(true);
        self.queue.choose_all();
        self.queue.wake_chosen();
    }

    /// Clears it: who comes now waits for the next [`set`](Event::set).
    pub fn clear(&self) {
        self.set.set(false);
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.set.get()
    }

    /// Waits until it is set.
    ///
    /// # Cancel safety
    /// Nothing is lost by a drop.
    ///
    /// # Examples
    /// ```
    /// # use ringio::sync::Event;
    /// # ringio::run(async {
    /// let event = Event::new();
    /// event.set();
    /// event.wait().await;
    /// # });
    /// ```
    #[inline]
    pub async fn wait(&self) {
        self.queue.wait(self, ()).await;
    }

    /// How many wait.
    pub fn waiters(&self) -> usize {
        self.queue.len()
    }
}

impl Gate<()> for Event {
    const PASSES: bool = true;

    #[inline]
    fn pass(&self, (): ()) -> Result<(), ()> {
        if self.set.get() { Ok(()) } else { Err(()) }
    }

    fn left(&self, (): (), _chosen: bool) {}
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("set", &self.is_set())
            .field("waiters", &self.waiters())
            .finish()
    }
}
