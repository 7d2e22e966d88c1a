//! What only the loop's own thread touches.

use std::cell::{Cell, OnceCell, RefCell};
use std::num::NonZeroU64;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::blocks::Blocks;
use super::branch::Grace;
use super::info::{Id, Info, Report};
use super::roster::Roster;
use super::run_queue::RunQueue;
use super::task::TaskRef;
use super::trace;
use super::watch::Watch;
use crate::util::contain::{Payload, contain, discard, message};
use crate::util::{Counter, Key, SlotTable};

/// Task ids that a loop takes at once, so that loops do not meet on one counter at every spawn.
const IDS: u64 = 1024;

static NEXT_IDS: AtomicU64 = AtomicU64::new(IDS);

/// Whom to tell about an error or a panic that nobody saw.
pub(super) type Reporter = Rc<dyn Fn(Report)>;

/// The same, for any thread to drop: it stays in the block when the executor is gone.
pub(crate) type DefaultReporter = Arc<dyn Fn(Report) + Send + Sync>;

pub(super) type MakeGrace = Rc<dyn Fn() -> Grace>;

/// Knows tasks that are not on the roster.
pub(super) trait Household {
    /// Adds those of a loop that have not finished.
    fn collect(&self, local: &Local, tasks: &mut Vec<TaskRef>);
}

/// The loop's side of the block.
///
/// # Invariants
/// No user code runs while one of the `RefCell`s is borrowed. When the executor has been dropped
/// nothing is left in here that another thread must not drop.
#[derive(Default)]
pub(super) struct Local {
    pub(super) ready: RunQueue,
    pub(super) blocks: Blocks,
    /// The tasks that have not finished, but for those of a household.
    pub(super) roster: Roster,
    households: RefCell<SlotTable<Weak<dyn Household>>>,
    /// References to the block that nobody holds yet; see [`View::reference`].
    ///
    /// [`View::reference`]: super::shared::View::reference
    pub(super) stock: Cell<usize>,
    /// The next id. At a multiple of [`IDS`] new ones must be fetched.
    next_id: Cell<u64>,
    /// The turns that tasks have had.
    pub(super) turns: Counter,
    /// Those that ended a task without polling it.
    pub(super) unpolled: Counter,
    /// `spawn` drops its future.
    pub(super) closing: Cell<bool>,
    reporter: RefCell<Option<Reporter>>,
    pub(super) default_reporter: OnceCell<DefaultReporter>,
    /// Makes the limit of clean-ups that begin now.
    grace: RefCell<Option<MakeGrace>>,
    pub(super) watch: Watch,
}

impl Local {
    #[inline]
    pub(super) fn next_id(&self) -> Id {
        let mut next = self.next_id.get();
        if next.is_multiple_of(IDS) {
            next = NEXT_IDS.fetch_add(IDS, Ordering::Relaxed);
        }
        self.next_id.set(next + 1);
        Id(NonZeroU64::new(next).expect("the first is not 0, and 2⁶⁴ are never reached"))
    }

    /// Whether a task has not finished that is nobody's child.
    pub(super) fn has_tasks(&self) -> bool {
        !self.roster.is_empty()
    }

    /// Has the household's tasks known, up to [`leave`](Local::leave).
    pub(super) fn settle(&self, household: Weak<dyn Household>) -> Key {
        // 2³² of them do not fit the memory.
        self.households.borrow_mut().insert(household).unwrap_or(Key::NONE)
    }

    pub(super) fn leave(&self, place: Key) {
        let left = self.households.borrow_mut().remove(place);
        drop(left);
    }

    pub(super) fn forget_households(&self) {
        drop(self.households.take());
    }

    /// The unfinished tasks in the order of their spawn.
    pub(super) fn snapshot(&self) -> Vec<TaskRef> {
        let mut tasks: Vec<TaskRef> = self.roster.iter().collect();
        let households = self.households.borrow();
        let known = households.keys().filter_map(|key| households.get(key)?.upgrade());
        known.for_each(|household| household.collect(self, &mut tasks));
        tasks.sort_unstable_by_key(TaskRef::id);
        tasks
    }

    /// The reporter before this is dropped by the caller, when nothing is borrowed.
    #[must_use]
    pub(super) fn set_reporter(&self, reporter: Option<Reporter>) -> Option<Reporter> {
        self.reporter.replace(reporter)
    }

    /// As [`set_reporter`](Local::set_reporter).
    #[must_use]
    pub(super) fn set_grace(&self, grace: Option<MakeGrace>) -> Option<MakeGrace> {
        self.grace.replace(grace)
    }

    /// A limit that counts from now, if there is to be one.
    pub(super) fn grace(&self) -> Option<Grace> {
        let make = self.grace.borrow().clone();
        make.map(|make| make())
    }

    /// Tells the reporter about a panic, if there is one.
    #[cold]
    pub(super) fn report(&self, who: &str, payload: Payload, task: Option<Info>) {
        let message = format!("{who} panicked: {}", message(&*payload));
        self.tell(Report { message, task });
        discard(payload);
    }

    /// Tells the reporter, if there is one.
    #[cold]
    pub(super) fn tell(&self, report: Report) {
        trace::report(&report);
        let reporter = self.reporter.borrow().clone();
        match (reporter, self.default_reporter.get()) {
            (Some(reporter), _) => contain(|| reporter(report)),
            (None, Some(reporter)) => contain(|| reporter(report)),
            (None, None) => {}
        }
    }
}
