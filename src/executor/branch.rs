//! The tree of those whom a request to end concerns.
//!
//! An owner (a task, a timeout, a scope) has a branch once a clean-up is registered beneath it, and
//! a clean-up has one from its registration. Each branch knows how many clean-ups beneath it have
//! not ended. Who never meets a clean-up has none of this.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use super::current;
use crate::util::leave::leave;
use crate::util::{Key, SlotTable, WakeBatch};

/// Ready when clean-ups have had their time.
pub(crate) type Grace = Pin<Box<dyn Future<Output = ()>>>;

/// # Invariants
/// `open` is the number of branches beneath that are counted. No user code runs while a `RefCell`
/// is borrowed.
#[derive(Default)]
pub(super) struct Branch {
    above: RefCell<Option<(Rc<Branch>, Key)>>,
    /// Weak, so that one that is forgotten keeps nobody.
    beneath: RefCell<SlotTable<Weak<Branch>>>,
    /// Clean-ups beneath that have not ended.
    open: Cell<usize>,
    /// This is a clean-up, which has not ended.
    counted: Cell<bool>,
    /// Woken when a request is delivered to somebody above.
    on_request: Cell<Option<Waker>>,
    /// Woken when the last clean-up beneath ends.
    on_empty: Cell<Option<Waker>>,
    grace: Cell<Option<Grace>>,
}

impl Branch {
    pub(super) fn beneath(above: Option<Rc<Branch>>) -> Rc<Branch> {
        let branch = Rc::new(Branch::default());
        branch.attach(above);
        branch
    }

    /// Whether clean-ups beneath have not ended.
    pub(super) fn has_clean_ups(&self) -> bool {
        self.open.get() > 0
    }

    /// Goes to another place of the tree: its future is polled there now.
    pub(super) fn move_beneath(self: &Rc<Self>, above: Option<Rc<Branch>>) {
        let is_there = match (&*self.above.borrow(), &above) {
            (Some((here, _)), Some(there)) => Rc::ptr_eq(here, there),
            (here, there) => here.is_none() && there.is_none(),
        };
        if !is_there {
            self.detach();
            self.attach(above);
        }
    }

    fn attach(self: &Rc<Self>, above: Option<Rc<Branch>>) {
        let Some(above) = above else { return };
        // 2³² of them do not fit the memory.
        if let Ok(key) = above.beneath.borrow_mut().insert(Rc::downgrade(self)) {
            self.above.replace(Some((above.clone(), key)));
        }
        self.for_all_above(|above| above.open.set(above.open.get() + self.weight()));
    }

    /// Leaves the tree, with all that is beneath.
    pub(super) fn detach(&self) {
        self.subtract(self.weight());
        if let Some((above, key)) = self.above.take() {
            above.beneath.borrow_mut().remove(key);
        }
    }

    /// Is a clean-up from now on; `waker` is woken when it is asked for.
    pub(super) fn count(&self, waker: &Waker) {
        leave(&self.on_request, waker);
        if !self.counted.replace(true) {
            self.for_all_above(|above| above.open.set(above.open.get() + 1));
        }
    }

    /// The clean-up has ended, or is not needed.
    pub(super) fn discount(&self) {
        if self.counted.replace(false) {
            self.subtract(1);
        }
        drop(self.on_request.take());
    }

    /// Wakes all clean-ups beneath: a request was delivered.
    pub(super) fn wake_beneath(&self) {
        let mut wakes = WakeBatch::default();
        self.collect(&mut wakes);
        wakes.wake_all();
    }

    /// Has `waker` woken when the last clean-up beneath ends.
    pub(super) fn leave_waker(&self, waker: &Waker) {
        leave(&self.on_empty, waker);
    }

    /// From now on the clean-ups beneath have a limited time, unless they have had since before.
    pub(super) fn limit(&self) {
        let grace =
            self.grace.take().or_else(|| self.open.get().checked_sub(1).and(current::grace()));
        self.grace.set(grace);
    }

    /// Ready when that time is over.
    pub(super) fn poll_limit(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut grace) = self.grace.take() else { return Poll::Pending };
        let poll = grace.as_mut().poll(cx);
        self.grace.set(Some(grace));
        poll
    }

    fn weight(&self) -> usize {
        self.open.get() + usize::from(self.counted.get())
    }

    /// So many clean-ups beneath those above are no more. Who waits for the last is woken.
    fn subtract(&self, clean_ups: usize) {
        if clean_ups == 0 {
            return;
        }
        let mut wakes = WakeBatch::default();
        self.for_all_above(|above| {
            above.open.set(above.open.get() - clean_ups);
            if above.open.get() == 0 {
                wakes.take_from(&mut above.on_empty.take());
            }
        });
        wakes.wake_all();
    }

    fn for_all_above(&self, mut code: impl FnMut(&Branch)) {
        let mut next = self.parent();
        while let Some(branch) = next {
            code(&branch);
            next = branch.parent();
        }
    }

    fn parent(&self) -> Option<Rc<Branch>> {
        self.above.borrow().as_ref().map(|(above, _)| above.clone())
    }

    fn collect(&self, wakes: &mut WakeBatch) {
        let beneath = self.beneath.borrow();
        for branch in beneath.keys().filter_map(|key| beneath.get(key)?.upgrade()) {
            wakes.take_from(&mut branch.on_request.take());
            branch.collect(wakes);
        }
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branch").field("open", &self.open.get()).finish_non_exhaustive()
    }
}
