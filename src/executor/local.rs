//! What only the loop's own thread touches.

use std::cell::{Cell, OnceCell, RefCell};
use std::num::NonZeroU64;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::blocks::Blocks;
use super::branch::Grace;
use super::info::{Id, Info, Report};
use super::run_queue::RunQueue;
use super::task::TaskRef;
use super::trace;
use super::watch::Watch;
use crate::util::contain::{Payload, contain, discard, message};
use crate::util::{Counter, Key, SlotTable};

/// Task ids that a loop takes at once, so that loops do not meet on one counter at every spawn.
const IDS: u64 = 1024;

static NEXT_IDS: AtomicU64 = AtomicU64::new(1);

/// Whom to tell about an error or a panic that nobody saw.
pub(super) type Reporter = Rc<dyn Fn(Report)>;

/// The same, for any thread to drop: it stays in the block when the executor is gone.
pub(crate) type DefaultReporter = Arc<dyn Fn(Report) + Send + Sync>;

pub(super) type MakeGrace = Rc<dyn Fn() -> Grace>;

/// Knows tasks that are not on the roster.
pub(super) trait Household {
    /// Adds those that have not finished.
    fn collect(&self, tasks: &mut Vec<TaskRef>);
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
    roster: RefCell<SlotTable<TaskRef>>,
    households: RefCell<SlotTable<Weak<dyn Household>>>,
    /// How many of them are somebody's children.
    owned: Cell<usize>,
    /// References to the block that nobody holds yet; see [`View::reference`].
    ///
    /// [`View::reference`]: super::shared::View::reference
    pub(super) stock: Cell<usize>,
    /// The next id, and how many follow it before new ones must be fetched.
    ids: Cell<(u64, u64)>,
    pub(super) polls: Counter,
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
        let (next, left) = self.ids.get();
        let (next, left) = if left == 0 {
            (NEXT_IDS.fetch_add(IDS, Ordering::Relaxed), IDS)
        } else {
            (next, left)
        };
        self.ids.set((next + 1, left - 1));
        Id(NonZeroU64::new(next).expect("ids start at 1 and 2⁶⁴ are never reached"))
    }

    /// Puts a task among the unfinished ones and tells it where.
    #[inline]
    pub(super) fn register(&self, task: &TaskRef) {
        // 2³² of them do not fit the memory.
        if let Ok(listing) = self.roster.borrow_mut().insert(task.clone()) {
            task.header().listing.set(listing);
            if task.header().vtable.owned {
                self.owned.set(self.owned.get() + 1);
            }
        }
    }

    /// Takes a task off, and gives what the roster had of it.
    #[inline]
    pub(super) fn unregister(&self, task: &TaskRef) -> Option<TaskRef> {
        let listing = task.header().listing.replace(Key::NONE);
        if listing == Key::NONE {
            return None;
        }
        let listed = self.roster.borrow_mut().remove(listing)?;
        if task.header().vtable.owned {
            self.owned.set(self.owned.get() - 1);
        }
        Some(listed)
    }

    /// Has the household's tasks known, up to [`leave`](Local::leave). `None` if no more fit in.
    pub(super) fn settle(&self, household: Weak<dyn Household>) -> Option<Key> {
        self.households.borrow_mut().insert(household).ok()
    }

    pub(super) fn leave(&self, place: Key) {
        let left = self.households.borrow_mut().remove(place);
        drop(left);
    }

    /// How many tasks have not finished, without those that are somebody's children.
    pub(super) fn tasks(&self) -> usize {
        self.roster.borrow().len() - self.owned.get()
    }

    /// Forgets the unfinished tasks; the caller drops what that gives.
    #[must_use]
    pub(super) fn take_roster(&self) -> SlotTable<TaskRef> {
        self.owned.set(0);
        drop(self.households.take());
        self.roster.take()
    }

    /// The unfinished tasks in the order of their spawn.
    pub(super) fn snapshot(&self) -> Vec<TaskRef> {
        let roster = self.roster.borrow();
        let mut tasks: Vec<TaskRef> =
            roster.keys().filter_map(|key| roster.get(key).cloned()).collect();
        drop(roster);
        let households = self.households.borrow();
        let known = households.keys().filter_map(|key| households.get(key)?.upgrade());
        known.for_each(|household| household.collect(&mut tasks));
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
