//! What can be told about a task.

use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::rc::Rc;

use super::header::Rare;
use super::locals::{self, Locals};
use super::state;

/// Names a task: unique in the process, never used again.
///
/// ```
/// ringio::run(async {
///     let (one, other) = (ringio::spawn(async {}), ringio::spawn(async {}));
///     assert_ne!(one.id(), other.id());
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub(super) NonZeroU64);

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known about a task, at the moment when it was asked about.
///
/// ```
/// ringio::run(async {
///     let main = ringio::task::current().unwrap();
///     let child = ringio::task::Builder::new().name("child");
///     let child = child.spawn(async { ringio::task::current().unwrap() }).await.unwrap();
///     assert_eq!(child.name(), Some("child"));
///     assert_eq!(child.parent(), Some(main.id()));
///     assert!(child.spawned_at().file().ends_with(".rs"));
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Info {
    pub(super) id: Id,
    pub(super) name: Option<Rc<str>>,
    pub(super) spawned_at: &'static Location<'static>,
    pub(super) parent: Option<Id>,
    pub(super) state: State,
}

impl Info {
    /// The task.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The name that [`Builder::name`](super::Builder::name) gave it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The line of code that spawned it.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// The task that spawned it; `None` if that happened outside a task.
    pub fn parent(&self) -> Option<Id> {
        self.parent
    }

    /// Where it stood when it was asked about.
    ///
    /// ```
    /// use ringio::task::State;
    /// ringio::run(async {
    ///     assert_eq!(ringio::task::current().unwrap().state(), State::Running);
    ///     let child = ringio::spawn(std::future::pending::<()>());
    ///     let state = || {
    ///         let tasks = ringio::task::all();
    ///         tasks.iter().find(|task| task.id() == child.id()).map(|task| task.state())
    ///     };
    ///     assert_eq!(state(), Some(State::Ready));
    ///     ringio::yield_now().await;
    ///     assert_eq!(state(), Some(State::Waiting));
    /// });
    /// ```
    pub fn state(&self) -> State {
        self.state
    }
}

/// Where a task stands.
///
/// ```
/// ringio::run(async {
///     let waiting = |task: &ringio::task::Info| task.state() == ringio::task::State::Waiting;
///     assert!(!ringio::task::all().iter().any(waiting), "main runs, and is alone");
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is polled right now.
    Running,
    /// It stands in the queue for a poll.
    Ready,
    /// Nothing has woken it yet.
    Waiting,
    /// It has finished, or is finishing.
    Finished,
}

impl From<state::State> for State {
    fn from(state: state::State) -> Self {
        use state::State as Flags;
        if state.is_over() {
            State::Finished
        } else if state.contains(Flags::RUNNING) {
            State::Running
        } else if state.contains(Flags::QUEUED) {
            State::Ready
        } else {
            State::Waiting
        }
    }
}

/// What a spawner says about the new task.
#[derive(Debug)]
pub(crate) struct Meta {
    /// Poll it once before `spawn` returns.
    pub(crate) eager: bool,
    pub(crate) spawned_at: &'static Location<'static>,
    /// Its name and the values that it starts with; few have any.
    pub(super) rare: Option<Box<Rare>>,
}

impl Meta {
    /// No name, not eager, spawned by the caller, whose values are cloned.
    #[inline]
    #[track_caller]
    pub(crate) fn here() -> Meta {
        Meta::with(locals::inherit())
    }

    /// The same, with these values.
    #[inline]
    #[track_caller]
    pub(crate) fn with(locals: Option<Rc<Locals>>) -> Meta {
        let rare = match locals {
            None => None,
            locals => Some(Rare::with(locals)),
        };
        Meta { eager: false, spawned_at: Location::caller(), rare }
    }

    pub(crate) fn at(self, spawned_at: &'static Location<'static>) -> Meta {
        Meta { spawned_at, ..self }
    }

    pub(crate) fn named(mut self, name: Option<Rc<str>>) -> Meta {
        if name.is_some() {
            self.rare.get_or_insert_default().name = name;
        }
        self
    }
}

/// A panic that nobody was there to see, or what debug mode has found.
#[derive(Debug)]
pub(crate) struct Report {
    /// One sentence, with the panic's words.
    pub(crate) message: String,
    /// Whose it was; `None` for a closure that came from another thread.
    pub(crate) task: Option<Info>,
}
