//! The owner of a loop's tasks.
//!
//! # Safety
//! The executor stays on its thread and holds a reference to the block, which is all that a
//! [`View`] asks for.
#![allow(unsafe_code, reason = "makes views, and spawns futures that borrow")]

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use super::branch::Grace;
use super::cell::{Borrowing, Schedule, TaskCell};
use super::current::{self, Guard, within};
use super::info::{Meta, Report};
use super::join::JoinHandle;
use super::local::{DefaultReporter, Local};
use super::remote::{Batch, Entry, Remote};
use super::shared::{Shared, SharedRef, View};
use super::state::State;
use super::task::TaskRef;
use super::{trace, watch};
use crate::util::budget;
use crate::util::contain::{catch, contain};
use crate::util::sync::Ordering;

/// Makes a task and gives it its first place in the queue, or its first poll.
///
/// # Safety
/// As for [`Executor::spawn_unchecked`].
#[inline]
pub(super) unsafe fn start<F: Future>(
    view: View<'_>,
    meta: Meta,
    fut: F,
    scheduler: impl Schedule<F::Output>,
) -> JoinHandle<F::Output> {
    let eager = meta.eager;
    let fut = trace::task(&meta, fut);
    let task = TaskCell::allocate(view, || view.local().next_id(), meta, fut, scheduler);
    // SAFETY: the output of the future that the task was made of, and the first handle.
    let handle = unsafe { JoinHandle::new(task.clone()) };
    if view.local().closing.get() {
        task.drop_now();
        return handle;
    }
    view.local().roster.list(task.clone());
    if eager {
        task.run();
    } else {
        task.set(State::QUEUED);
        view.local().ready.push(task);
    }
    handle
}

/// The tasks of one loop. It does not leave its thread.
pub(crate) struct Executor {
    shared: SharedRef,
    _on_thread: PhantomData<Rc<()>>,
}

impl Executor {
    /// An executor without tasks.
    ///
    /// `doorbell` is woken after something was pushed to the empty inbox, from the pushing
    /// thread. To lose nothing, a loop that wants to park announces that first, then asks
    /// [`has_ready`](Executor::has_ready) again; the announcement and the doorbell must be
    /// read-modify-writes of one atomic, or have sequentially consistent fences between.
    pub(crate) fn new(doorbell: Waker) -> Rc<Executor> {
        Rc::new(Executor { shared: Shared::allocate(doorbell), _on_thread: PhantomData })
    }

    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        // SAFETY: the executor does not leave its thread, and keeps the block.
        unsafe { View::new(self.shared.as_ptr()) }
    }

    /// Unique in the process, never used again.
    pub(crate) fn loop_id(&self) -> u64 {
        self.shared.loop_id
    }

    /// Starts a task that may borrow; while closing, its future is dropped and the handle is
    /// cancelled.
    ///
    /// # Safety
    /// The future is dropped (it ran to its end, or [`JoinHandle::drop_now`] outside its own poll)
    /// before anything that it borrows ends, also when unwinding.
    #[inline]
    pub(crate) unsafe fn spawn_unchecked<F: Future>(
        &self,
        meta: Meta,
        fut: F,
    ) -> JoinHandle<F::Output> {
        // SAFETY: the caller's promise.
        unsafe { start(self.view(), meta, fut, Borrowing) }
    }

    /// Makes this the running loop of the thread until the guard is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Guard {
        Guard::new(Rc::clone(self))
    }

    /// Takes in what other threads sent, then gives a turn to at most `max` of the tasks that are
    /// ready now, in order.
    ///
    /// The turns of their children count as well: enough of those end a round early. If there are
    /// ready ones after it, and `again` agrees with so many turns so far, the same goes on with
    /// those. Says how many turns there were in all.
    pub(crate) fn run_rounds(&self, max: usize, again: impl Fn(usize) -> bool) -> usize {
        within(self.view(), || {
            let _before = (current::task_scope(), budget::fresh());
            let Local { ready, turns, .. } = self.view().local();
            let start = turns.get();
            loop {
                if self.shared.inbox.has_entries() {
                    self.drain();
                }
                let end = turns.get() + max as u64;
                for _ in 0..ready.len().min(max) {
                    let Some(task) = ready.pop() else { break };
                    budget::grant_children();
                    task.take_turn();
                    if turns.get() >= end {
                        break;
                    }
                }
                let had = (turns.get() - start) as usize;
                if ready.is_empty() || !again(had) {
                    return had;
                }
            }
        })
    }

    #[cold]
    fn drain(&self) {
        self.deliver(self.shared.inbox.take());
    }

    fn deliver(&self, batch: Batch) {
        for entry in batch {
            match entry {
                // A scheduler may wake its own task, which may be anybody's code.
                Entry::Task(task) => contain(|| task.arrive()),
                Entry::Call(closure) => {
                    if let Err(payload) = watch::calling(self.view().local(), || catch(closure)) {
                        self.view().local().report("a closure from another thread", payload, None);
                    }
                }
            }
        }
    }

    /// Whether [`run_rounds`](Executor::run_rounds) has something to do.
    #[inline]
    pub(crate) fn has_ready(&self) -> bool {
        !self.view().local().ready.is_empty() || self.shared.inbox.has_entries()
    }

    /// Whether a task has not finished that is nobody's child.
    pub(crate) fn has_tasks(&self) -> bool {
        self.view().local().has_tasks()
    }

    /// How many tasks have not finished, without those that are somebody's children.
    pub(crate) fn tasks(&self) -> usize {
        self.roots().count()
    }

    /// How many polls the tasks have had.
    pub(crate) fn polls(&self) -> u64 {
        let Local { turns, unpolled, .. } = self.view().local();
        turns.get() - unpolled.get()
    }

    /// Asks every task to end; children end with their parents.
    pub(crate) fn cancel_all(&self) {
        for task in self.roots() {
            task.cancel();
        }
    }

    /// From now on `spawn` drops its future and closures from other threads are turned away. The
    /// tasks that exist go on, and are woken from everywhere.
    pub(crate) fn refuse_new(&self) {
        self.view().local().closing.set(true);
        self.shared.refusing.store(true, Ordering::Release);
    }

    /// Drops every future, in the order of the spawns; what they spawn meanwhile does not start.
    /// A task in whose poll this is called goes when that poll ends. Children go with their parents;
    /// those of a parent that was forgotten do not, for what they borrow may be gone.
    pub(crate) fn drop_all(&self) {
        self.refuse_new();
        within(self.view(), || {
            for task in self.roots() {
                task.drop_now();
            }
        });
    }

    fn roots(&self) -> impl Iterator<Item = TaskRef> + use<> {
        let tasks = self.view().local().snapshot();
        tasks.into_iter().filter(|task| !task.header().is_owned())
    }

    /// Delivers what other threads have sent (closures are called), then turns everything away:
    /// closures come back to their senders, wakes do nothing.
    pub(crate) fn close_inbox(&self) {
        self.shared.refusing.store(true, Ordering::Release);
        within(self.view(), || self.deliver(self.shared.inbox.close()));
    }

    /// A handle to this loop for other threads.
    pub(crate) fn remote(&self) -> Remote {
        Remote::new(self.shared.clone())
    }

    /// Tells the reporter about something that is no task's.
    pub(crate) fn tell(&self, message: String) {
        self.view().local().tell(Report { message, task: None });
    }

    /// Whether slow polls are reported.
    pub(crate) fn debug(&self) -> bool {
        self.view().local().watch.on.get()
    }

    pub(crate) fn set_debug(&self, on: bool) {
        self.view().local().watch.on.set(on);
    }

    /// How long a poll takes that is slow.
    pub(crate) fn slow(&self) -> Duration {
        self.view().local().watch.slow.get()
    }

    pub(crate) fn set_slow(&self, slow: Duration) {
        self.view().local().watch.slow.set(slow);
    }

    /// Whom to tell about errors and panics that nobody awaits; each is reported once.
    pub(crate) fn set_report(&self, reporter: Rc<dyn Fn(Report)>) {
        drop(self.view().local().set_reporter(Some(reporter)));
    }

    /// Whom to tell where [`set_report`](Executor::set_report) has said nothing, and after the
    /// executor's end: outcomes may be dropped then. Only the first one counts.
    pub(crate) fn set_default_report(&self, reporter: DefaultReporter) {
        _ = self.shared.default_reporter.set(reporter.clone());
        _ = self.view().local().default_reporter.set(reporter);
    }

    /// Gives clean-ups a limit: what `grace` gives is made when they are asked for, and awaited
    /// beside them. Without it they may take for ever.
    pub(crate) fn set_grace(&self, grace: Rc<dyn Fn() -> Grace>) {
        drop(self.view().local().set_grace(Some(grace)));
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.drop_all();
        // Closures that nobody will call are dropped here, on the loop's thread.
        within(self.view(), || drop(self.shared.inbox.close()));
        while let Some(task) = self.view().local().ready.pop() {
            drop(task);
        }
        // Empty, unless this comes out of the poll of one of them.
        while let Some(task) = self.view().local().roster.iter().next() {
            drop(self.view().local().roster.unlist(&task));
        }
        self.view().local().forget_households();
        let reporter = self.view().local().set_reporter(None);
        let grace = self.view().local().set_grace(None);
        contain(|| drop((reporter, grace)));
        self.view().local().blocks.clear();
        self.view().clear_stock();
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("loop_id", &self.loop_id())
            .field("tasks", &self.tasks())
            .finish_non_exhaustive()
    }
}
