//! Tasks that are somebody's children: a future polls them in place of the loop.
//!
//! # Safety
//! A child is made with a [`Member`], which leads to its family without keeping it: whoever owns the
//! family ends every child before it lets go ([`Family::end_all`]), or leaks the family. The
//! list of the family owns one [`TaskRef`] to each child on it, and a child is on it until it is over.
//! All of it is on one thread. A child's future is polled in [`Family::round`] and dropped there or
//! in [`Family::end_all`], and nowhere else: who calls these answers for what the futures borrow, and
//! lends them the keeper ([`Family::kept_by`]), which so outlives every look at it, whatever becomes of
//! the owner's future.
#![allow(unsafe_code, reason = "children lead to their family, and to its keeper, by a pointer")]

use std::cell::{Cell, OnceCell, RefCell};
use std::marker::PhantomData;
use std::mem::forget;
use std::ops::ControlFlow;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::task::{Context, Waker};

use super::cell::{Outcome, Schedule, TaskCell, scheduler};
use super::info::{Id, Meta};
use super::join_error::JoinError;
use super::local::{Household, Local};
use super::owner;
use super::roster::List;
use super::run_queue::Line;
use super::shared::{Home, View};
use super::state::State;
use super::task::TaskRef;
use super::turn::Turn;
use crate::util::contain::{Payload, contain};
use crate::util::{Key, budget};

/// Children in the order of their spawn, and those of them that are ready.
#[derive(Default)]
pub(super) struct Family {
    ready: Line,
    /// Some were ready and did not begin, for an owner around was to end.
    held_back: Cell<bool>,
    /// Who hears of the children's failures, while they are used.
    keeper: Cell<Option<NonNull<()>>>,
    /// Who polls the family, and waits.
    parent: Cell<Option<Waker>>,
    children: List,
    len: Cell<usize>,
    /// The loop of the first child, if they are tasks of their own. It knows of the family.
    home: OnceCell<(Home, Key)>,
    /// The loops of those who were spawned elsewhere.
    homes: RefCell<Vec<(Home, Key)>>,
}

impl Household for Family {
    fn collect(&self, local: &Local, tasks: &mut Vec<TaskRef>) {
        let is_its = |child: &TaskRef| ptr::eq(child.view().local(), local);
        let unfinished = |child: &TaskRef| !child.state().contains(State::DONE);
        tasks.extend(self.children.iter().filter(|child| is_its(child) && unfinished(child)));
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        for (home, place) in self.home.take().into_iter().chain(self.homes.take()) {
            home.view().local().leave(place);
        }
    }
}

/// What a child is while it is polled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A task of its own, with a budget of its own.
    Task,
    /// A part of the task that is running.
    Part,
}

/// Hears of the failures of children.
pub(crate) trait Keeper<E> {
    /// A child has returned an error. It goes on to its end.
    fn failed(&self, error: E);

    /// A child has panicked, or the destructor of its future.
    ///
    /// # Errors
    /// The panic, if it is to be the child's outcome.
    fn panicked(&self, payload: Payload) -> Result<(), Payload>;
}

/// What becomes of the children is their own outcome.
pub(super) struct Unkept;

/// Their failures go to a `K`.
pub(super) struct Kept<K>(PhantomData<fn(K) -> K>);

/// A child's scheduler.
#[repr(C)]
pub(super) struct Member<K> {
    family: NonNull<Family>,
    _kept: PhantomData<K>,
}

impl<T> Schedule<T> for Member<Unkept> {
    type Value = T;

    const SCHEDULE: Option<unsafe fn(TaskRef)> = Some(schedule);

    #[inline]
    fn settle(&self, output: T) -> Outcome<T> {
        Ok(output)
    }
}

impl<T, E, K: Keeper<E>> Schedule<Result<T, E>> for Member<Kept<K>> {
    type Value = T;

    const SCHEDULE: Option<unsafe fn(TaskRef)> = Some(schedule);
    const FORGETS: bool = true;

    #[inline]
    fn settle(&self, output: Result<T, E>) -> Outcome<T> {
        output.map_err(|error| {
            if let Some(keeper) = self.keeper() {
                keeper.failed(error);
            }
            JoinError::Cancelled
        })
    }

    fn take_panic(&self, payload: Payload) -> Result<(), Payload> {
        match self.keeper() {
            Some(keeper) => keeper.panicked(payload),
            None => Err(payload),
        }
    }
}

impl<K> Member<Kept<K>> {
    /// The keeper, if there is one: while the child's future is polled or dropped.
    #[cold]
    fn keeper(&self) -> Option<&K> {
        // SAFETY: asked while the child's future is used, so it is not over, and the family is there.
        let keeper = unsafe { self.family.as_ref() }.keeper.get()?;
        // SAFETY: a `&K` by the promise made to `bear`, borrowed by `kept_by` further up the stack.
        Some(unsafe { keeper.cast().as_ref() })
    }
}

unsafe fn schedule(task: TaskRef) {
    // SAFETY: every child is made in `bear`, with a `Member`, which looks the same whatever its `K`;
    // this function is in the vtable of children only.
    let family = unsafe { scheduler::<Member<Unkept>>(task.as_ptr()) }.family;
    // SAFETY: the task is not over, so the family is there.
    let parent = unsafe { family.as_ref() }.push(task);
    // Anybody's code: the family may be gone when it returns.
    if let Some(parent) = parent {
        contain(|| parent.wake());
    }
}

impl Family {
    /// Adds a ready child. Gives who has to be told.
    #[inline]
    fn push(&self, task: TaskRef) -> Option<Waker> {
        self.ready.push(task);
        // SAFETY: only this thread uses the cell, and nothing writes to it while this looks.
        let waits = unsafe { &*self.parent.as_ptr() }.is_some();
        if waits { self.parent.take() } else { None }
    }

    /// Makes a child, to be taken in or ended by the caller.
    ///
    /// # Safety
    /// If `K` is `Kept<L>`, whoever the family is ever [`kept_by`](Family::kept_by) is an `L`.
    #[inline]
    pub(super) unsafe fn bear<K, F: Future>(
        self: &Rc<Self>,
        view: View<'_>,
        id: impl FnOnce() -> Id,
        meta: Meta,
        future: F,
    ) -> TaskRef
    where
        Member<K>: Schedule<F::Output>,
    {
        let member = Member::<K> { family: NonNull::from(&**self), _kept: PhantomData };
        TaskCell::allocate(view, id, meta, future, member)
    }

    /// Has `keeper` hear of the failures of the children whose futures `code` polls or drops, in the
    /// midst of which this may be called again.
    #[inline]
    pub(super) fn kept_by<K, R>(&self, keeper: &K, code: impl FnOnce() -> R) -> R {
        struct Restore<'a>(&'a Family, Option<NonNull<()>>);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                self.0.keeper.set(self.1);
            }
        }
        let _before = Restore(self, self.keeper.replace(Some(NonNull::from(keeper).cast())));
        code()
    }

    /// Takes a new child in that is a task of its own.
    #[inline]
    pub(super) fn adopt_task(self: &Rc<Self>, view: View<'_>, child: &TaskRef) {
        if !self.home.get().is_some_and(|(home, _)| home.is(view)) {
            self.settle(view);
        }
        self.adopt(child, Kind::Task);
    }

    /// Has a child's loop know of the family.
    #[cold]
    fn settle(self: &Rc<Self>, view: View<'_>) {
        if self.homes.borrow().iter().any(|(home, _)| home.is(view)) {
            return;
        }
        let this: Rc<dyn Household> = self.clone();
        let place = view.local().settle(Rc::downgrade(&this));
        if let Err(second) = self.home.set((Home::new(view), place)) {
            self.homes.borrow_mut().push(second);
        }
    }

    /// Takes a new child in, which has its first turn in the next round.
    #[inline]
    pub(super) fn adopt(&self, child: &TaskRef, kind: Kind) {
        child.set(match kind {
            Kind::Task => State::QUEUED,
            Kind::Part => State::QUEUED.union(State::PART),
        });
        self.list(child.clone());
        if let Some(parent) = self.push(child.clone()) {
            contain(|| parent.wake());
        }
    }

    #[inline]
    fn list(&self, child: TaskRef) {
        self.children.push(child);
        self.len.set(self.len.get() + 1);
    }

    /// Takes the eldest child off the list.
    #[inline]
    pub(super) fn unlist_first(&self) -> Option<TaskRef> {
        let child = self.children.pop()?;
        self.len.set(self.len.get() - 1);
        Some(child)
    }

    /// Takes a child off the list, and gives what that had of it. `None` if the list is empty.
    ///
    /// # Safety
    /// It is on it, or nobody is.
    #[inline]
    pub(super) unsafe fn unlist(&self, child: &TaskRef) -> Option<TaskRef> {
        if self.children.is_empty() {
            return None;
        }
        self.len.set(self.len.get() - 1);
        // SAFETY: the caller's word.
        Some(unsafe { self.children.remove(child) })
    }

    /// How many children are on the list.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    /// Gives a turn to each child that is ready now, in order, as far as the task's budget goes:
    /// what they make ready has its turn in the next round. `after` gets each child that has had
    /// its turn, and may end the round.
    ///
    /// Those that have not begun do so only if it `starts` any by then; else they are held back until
    /// a round does.
    ///
    /// Nobody is woken by the children from here on to [`pend`](Family::pend).
    #[inline]
    pub(super) fn round(
        &self,
        kind: Kind,
        starts: impl Fn() -> bool,
        mut after: impl FnMut(&TaskRef, Turn) -> ControlFlow<()>,
    ) {
        drop(self.parent.take());
        // Those that have not begun start, as of so many requests; 0 if they do not.
        let mut known = 0;
        let mut starts = || {
            let now = owner::requests();
            if known != now {
                known = if starts() { now } else { 0 };
            }
            known != 0
        };
        if self.held_back.get() && starts() {
            self.let_begin();
        }
        let mut due = self.ready.due();
        if due.is_empty() {
            return;
        }
        // The first one has its turn in any case.
        budget::take_child();
        while let Some(task) = due.next() {
            let unborn = task.state() & (State::UNBORN | State::CANCEL) == State::UNBORN;
            let turn = match kind {
                _ if unborn && !starts() => {
                    // Only to be ended, unless the owner that is to end lets go of them all.
                    task.clear(State::QUEUED);
                    self.held_back.set(true);
                    None
                }
                Kind::Task => task.take_child_turn(),
                Kind::Part => task.take_turn_within(),
            };
            if turn.is_some_and(|turn| after(&task, turn).is_break()) {
                break;
            }
            // Parts behind one that has used the budget up would be asked for nothing, time and again.
            let spent = || kind == Kind::Part && budget::is_spent();
            if due.is_empty() || !budget::take_child() || spent() {
                break;
            }
        }
    }

    /// The owner that was to end had borrowed the family, which goes on elsewhere.
    #[cold]
    fn let_begin(&self) {
        self.held_back.set(false);
        let held_back =
            |child: &TaskRef| child.state() & (State::UNBORN | State::QUEUED) == State::UNBORN;
        for child in self.children.iter().filter(held_back) {
            child.set(State::QUEUED);
            self.ready.push(child);
        }
    }

    /// Has the task woken when a child is ready, or at once if one is.
    #[inline]
    pub(super) fn pend(&self, cx: &Context<'_>) {
        if self.ready.is_empty() {
            self.parent.set(Some(cx.waker().clone()));
            // Cloning is foreign code, which may have woken children.
            if self.ready.is_empty() {
                return;
            }
        }
        drop(self.parent.take());
        cx.waker().wake_by_ref();
    }

    /// Asks every child to end, but for those that `spares` picks.
    pub(super) fn cancel_all(&self, spares: impl Fn(&TaskRef) -> bool) {
        // While the list is gone through nobody is woken, whose code might change it.
        let parent = self.parent.take();
        self.children.iter().filter(|child| !spares(child)).for_each(|child| {
            child.cancel();
        });
        if let Some(parent) = parent {
            contain(|| parent.wake());
        }
    }

    /// Drops the futures of all children, in the order of their spawn, and what is left of them.
    /// The family is not polled again.
    pub(super) fn end_all(self: &Rc<Self>, drop_future: impl Fn(&TaskRef)) {
        while let Some(child) = self.unlist_first() {
            drop_future(&child);
            if !child.state().is_over() {
                // Its own poll is on the stack, which only `unsafe` code brings about. It ends when
                // that returns; its wakers lead here until then.
                forget(self.clone());
            }
        }
        while let Some(task) = self.ready.pop() {
            drop(task);
        }
        drop(self.parent.take());
    }
}
