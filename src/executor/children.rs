//! Tasks that borrow, and end before what they borrow does.
//!
//! # Safety
//! The futures may borrow for `'env`. They are polled and dropped in methods of [`Children`] and in its
//! destructor only, and a `Children<'env, _>` cannot be used when `'env` is over. Forgotten, it leaves
//! them in memory that nobody touches; the loop leaves children alone. Nobody keeps the family of a
//! `Children<'_, K>` who is not a `K`.
#![allow(unsafe_code, reason = "a handle to a task is made by hand")]

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::current;
use super::family::{Family, Keeper, Kept, Kind};
use super::info::{Id, Meta};
use super::join::JoinHandle;
use super::join_error::JoinError;
use super::owner::{Owner, Stage, surroundings};
use super::state::State;
use super::task::TaskRef;
use super::trace;
use super::turn::Turn;
use crate::util::budget;

/// Invariant: neither longer nor shorter than it says.
type Env<'env> = PhantomData<Cell<&'env ()>>;

/// Tasks whose parent is a part of another task, and polls them.
///
/// Who calls their methods keeps them: a `K` hears of the failures.
pub(crate) struct Children<'env, K> {
    family: Rc<Family>,
    closed: Cell<bool>,
    /// All were asked to end.
    ending: Cell<bool>,
    /// Whose branch those of the children hang on, and follow to wherever they are polled.
    trunk: Owner,
    _env: Env<'env>,
    _keeper: PhantomData<fn(K) -> K>,
}

impl<'env, K> Children<'env, K> {
    /// None so far.
    pub(crate) fn new() -> Self {
        Children {
            family: Rc::default(),
            closed: Cell::new(false),
            ending: Cell::new(false),
            trunk: Owner::new(),
            _env: PhantomData,
            _keeper: PhantomData,
        }
    }

    /// Starts a task, whose error is the keeper's. When closed, its future is dropped and the handle
    /// is cancelled.
    ///
    /// # Panics
    /// If no loop runs on this thread.
    #[inline]
    #[track_caller]
    pub(crate) fn spawn<T, E, F>(&self, keeper: &K, meta: Meta, future: F) -> Child<'env, T>
    where
        K: Keeper<E>,
        T: 'env,
        F: Future<Output = Result<T, E>> + 'env,
    {
        let future = trace::task(&meta, future);
        current::at_home(|view| {
            let id = || view.local().next_id();
            // SAFETY: the family is ours, and whoever keeps it a `K`.
            let child = unsafe { self.family.bear::<Kept<K>, _>(view, id, meta, future) };
            if self.closed.get() {
                self.refuse(keeper, &child);
            } else {
                self.family.adopt_task(view, &child);
            }
            // SAFETY: the value that a `Member<Kept<K>>` makes of the output, and the first handle.
            let task = unsafe { JoinHandle::new(child) };
            Child { task, _env: PhantomData }
        })
    }

    /// Ends a child that comes too late.
    #[cold]
    fn refuse(&self, keeper: &K, child: &TaskRef) {
        self.family.kept_by(keeper, || child.drop_now());
    }

    /// Gives turns to those that are ready, as tasks of their own. Under an owner that is to end
    /// none starts; when its end is delivered they are all asked to end.
    pub(crate) fn poll(&self, keeper: &K) {
        let stage = surroundings();
        if stage == Stage::Ending && !self.ending.get() {
            self.cancel_all();
        }
        self.trunk.within(|| self.family.kept_by(keeper, || self.poll_ready()));
    }

    fn poll_ready(&self) {
        let (scope, _budget) = (current::task_scope(), budget::fresh());
        let _parent = scope.is_parent();
        // One child may ask an owner around to end: those behind it do not start any more.
        let starts = || current::stage_of_parent() == Some(Stage::Going);
        self.family.round(Kind::Task, starts, |child, turn| {
            if turn != Turn::Pending {
                child.leave_tree();
                // SAFETY: a child is on the list until it is over, or until one has ended all.
                if let Some(listed) = unsafe { self.family.unlist(child) } {
                    listed.forget_one();
                }
            } else if self.ending.get() {
                child.cancel();
            }
            ControlFlow::Continue(())
        });
    }

    /// Has the task woken when a child is ready, when the children are told to end, or at once.
    pub(crate) fn pend(&self, cx: &Context<'_>) {
        self.family.pend(cx);
    }

    /// How many have not ended.
    pub(crate) fn len(&self) -> usize {
        self.family.len()
    }

    /// Starts no more.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    /// Whether it starts none any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Starts no more, asks every child to end, and wakes who polls them. Those that were woken
    /// before have the turn first that they wait for, so that a result that is ready wins.
    pub(crate) fn cancel_all(&self) {
        self.close();
        self.ending.set(true);
        let waits_for_its_turn = |state: State| {
            state & (State::QUEUED | State::UNBORN | State::RUNNING) == State::QUEUED
        };
        self.family.cancel_all(|child| waits_for_its_turn(child.state()));
    }

    /// Starts no more, and drops the futures of all, in the order of their spawn.
    pub(crate) fn end_all(&self, keeper: &K) {
        self.family.kept_by(keeper, || self.drop_all());
    }

    fn drop_all(&self) {
        self.close();
        self.family.end_all(|child| {
            child.drop_now();
            child.leave_tree();
        });
    }
}

impl<K> Drop for Children<'_, K> {
    fn drop(&mut self) {
        self.drop_all();
    }
}

impl<K> fmt::Debug for Children<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children")
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// Awaits a child of a [`TaskGroup`](crate::TaskGroup), or cancels it.
///
/// Dropping it leaves the child to its group. It cannot outlive what the group's children may
/// borrow.
///
/// ```
/// ringio::run(async {
///     let words = ["one", "three"].map(String::from);
///     let longest = ringio::task_group::<_, (), _>(async |group| {
///         let lengths = words.each_ref().map(|word| group.spawn(async { Ok(word.len()) }));
///         let [one, three] = lengths;
///         Ok(one.await.unwrap().max(three.await.unwrap()))
///     });
///     assert_eq!(longest.await, Ok(5));
/// });
/// ```
///
/// # Errors
/// Awaiting it gives [`JoinError::Cancelled`] for a child that was cancelled or never started, and
/// for one that returned `Err` or panicked: that went to the group.
///
/// # Panics
/// When it is polled again after it gave the outcome.
///
/// # Cancel safety
/// Awaiting `&mut child` loses nothing when it is dropped: await it again.
pub struct Child<'env, T> {
    task: JoinHandle<T>,
    _env: Env<'env>,
}

impl<T> Unpin for Child<'_, T> {}

impl<T> Child<'_, T> {
    /// Asks the child to end; false if it has.
    ///
    /// The request is delivered on the child's next turn: its future is dropped. The group and the
    /// other children go on. A child that has not started never does.
    ///
    /// ```
    /// ringio::run(async {
    ///     let ended = ringio::task_group::<_, (), _>(async |group| {
    ///         let child = group.spawn(std::future::pending::<Result<(), _>>());
    ///         assert!(child.cancel());
    ///         assert!(child.await.unwrap_err().is_cancelled());
    ///         Ok("the group goes on")
    ///     });
    ///     assert_eq!(ended.await, Ok("the group goes on"));
    /// });
    /// ```
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// Whether the child has ended, so that awaiting it is immediate.
    #[doc(alias = "done")]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// The child's task, unique in the process.
    pub fn id(&self) -> Id {
        self.task.id()
    }
}

impl<T> Future for Child<'_, T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> fmt::Debug for Child<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.task).finish()
    }
}
