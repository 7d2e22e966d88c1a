//! Spawning on the running loop.

use std::rc::Rc;

use super::current;
use super::info::Meta;
use super::join::JoinHandle;

/// Starts a task on the running loop; it first runs in the loop's next turn.
///
/// The loop owns the task: dropping the handle detaches it. While the loop is closing the future
/// is dropped at once and the handle says [`Cancelled`](super::JoinError::Cancelled).
///
/// ```
/// ringio::run(async {
///     let task = ringio::spawn(async { 6 * 7 });
///     assert_eq!(task.await.unwrap(), 42);
/// });
/// ```
///
/// # Panics
/// If no loop runs on this thread.
#[doc(alias = "create_task")]
#[doc(alias = "ensure_future")]
#[track_caller]
pub fn spawn<F: Future + 'static>(fut: F) -> JoinHandle<F::Output> {
    current::spawn(Meta::here(), fut)
}

/// Spawns a task with a name, or polls it before `spawn` returns.
///
/// ```
/// ringio::run(async {
///     let task = ringio::task::Builder::new().name("greeter").eager().spawn(async { "hello" });
///     assert!(task.is_finished(), "an eager task runs up to its first wait");
///     assert_eq!(task.name().as_deref(), Some("greeter"));
/// });
/// ```
#[doc(alias = "eager_start")]
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `spawn`"]
pub struct Builder {
    name: Option<Rc<str>>,
    eager: bool,
}

impl Builder {
    /// A task without a name that starts in the next turn.
    pub fn new() -> Self {
        Builder::default()
    }

    /// Names the task, for reports and [`task::all`](super::all).
    pub fn name(mut self, name: impl Into<Rc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Polls the task once before `spawn` returns; it may be finished by then.
    pub fn eager(mut self) -> Self {
        self.eager = true;
        self
    }

    /// Starts the task on the running loop, as [`spawn`] does.
    ///
    /// # Panics
    /// If no loop runs on this thread.
    #[track_caller]
    pub fn spawn<F: Future + 'static>(self, fut: F) -> JoinHandle<F::Output> {
        let meta = Meta { eager: self.eager, ..Meta::here() };
        current::spawn(meta.named(self.name), fut)
    }
}
