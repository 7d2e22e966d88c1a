//! What can be told about a task.

use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::rc::Rc;

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

/// What is known about a task from its spawn on.
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
}

/// What a spawner says about the new task.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    pub(crate) name: Option<Rc<str>>,
    /// Poll it once before `spawn` returns.
    pub(crate) eager: bool,
    pub(crate) spawned_at: &'static Location<'static>,
}

impl Meta {
    /// No name, not eager, spawned by the caller.
    #[track_caller]
    pub(crate) fn here() -> Meta {
        Meta { name: None, eager: false, spawned_at: Location::caller() }
    }
}

/// A panic that nobody was there to see.
#[derive(Debug)]
pub(crate) struct Report {
    /// One sentence with the panic's words.
    pub(crate) message: String,
    /// Whose panic it was; `None` for a closure that came from another thread.
    pub(crate) task: Option<Info>,
}
