//! Which loop and which task run on this thread.
//!
//! # Safety
//! [`HOME`] points to a block that is alive: whoever puts it there keeps the block, and puts back
//! what was there before it lets go ([`within`] by its frame, a [`Guard`] by leaking the executor
//! if it does not end in order). [`TASK`] is null, or set by a [`Running`], which borrows the task,
//! or put back by a [`TaskScope`] in the frame of whoever that task has called. [`PARENT`] is null, or
//! set by a [`Within`], which borrows the scope, or put back like [`TASK`].
#![allow(unsafe_code, reason = "thread-locals without destructors, for speed")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::rc::Rc;

use super::branch::{Branch, Grace};
use super::cell::OnLoop;
use super::executor::{Executor, start};
use super::header::Header;
use super::info::{Id, Info, Meta, Report};
use super::join::JoinHandle;
use super::locals::Locals;
use super::owner::{self, Stage};
use super::remote::Remote;
use super::shared::{Shared, View};
use super::task::TaskRef;
use crate::util::contain::{Payload, discard};
use crate::util::sync::thread_local;

thread_local! {
    static HOME: Cell<*const Shared> = const { Cell::new(ptr::null()) };
    static TASK: Cell<*const Header> = const { Cell::new(ptr::null()) };
    static PARENT: Cell<*const TaskScope> = const { Cell::new(ptr::null()) };
}

/// Whether this thread is running the loop that the block belongs to.
#[inline]
pub(super) fn is_home(shared: NonNull<Shared>) -> bool {
    ptr::eq(HOME.get(), shared.as_ptr())
}

/// Hands the running loop to `code`.
#[inline]
fn with_home<R>(code: impl FnOnce(View<'_>) -> R) -> Option<R> {
    let shared = NonNull::new(HOME.get().cast_mut())?;
    // SAFETY: it is alive and this thread's, see above, and stays so while `code` runs, because
    // who made it current is further up the stack.
    Some(code(unsafe { View::new(shared) }))
}

/// Runs code with a loop as the running one.
#[inline]
pub(super) fn within<R>(view: View<'_>, code: impl FnOnce() -> R) -> R {
    struct Restore(*const Shared);
    impl Drop for Restore {
        fn drop(&mut self) {
            HOME.set(self.0);
        }
    }
    let _restore = Restore(HOME.replace(view.as_ptr().as_ptr()));
    code()
}

/// Keeps a loop the running one of this thread.
#[derive(Debug)]
#[must_use = "the loop is left when the guard is dropped"]
pub(crate) struct Guard {
    executor: ManuallyDrop<Rc<Executor>>,
    before: *const Shared,
}

impl Guard {
    pub(super) fn new(executor: Rc<Executor>) -> Guard {
        let before = HOME.replace(executor.view().as_ptr().as_ptr());
        Guard { executor: ManuallyDrop::new(executor), before }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !is_home(self.executor.view().as_ptr()) {
            // Out of order: somebody else will put our block back, so it must never go.
            return;
        }
        HOME.set(self.before);
        // SAFETY: it is not used again.
        unsafe { ManuallyDrop::drop(&mut self.executor) };
    }
}

/// Puts back the task that was the running one of this thread.
pub(super) struct TaskScope {
    task: *const Header,
    parent: *const TaskScope,
    frames: owner::Restore,
}

/// Remembers the running task, whose turn has a part that others run in, one after another.
#[inline]
pub(super) fn task_scope() -> TaskScope {
    TaskScope { task: TASK.get(), parent: PARENT.replace(ptr::null()), frames: owner::no_frames() }
}

impl Drop for TaskScope {
    #[inline]
    fn drop(&mut self) {
        TASK.set(self.task);
        PARENT.set(self.parent);
    }
}

/// Those who run in a [`TaskScope`] are children of the task that it remembers.
pub(super) struct Within<'a>(PhantomData<&'a TaskScope>);

impl TaskScope {
    #[inline]
    pub(super) fn is_parent(&self) -> Within<'_> {
        PARENT.set(self);
        Within(PhantomData)
    }
}

impl Drop for Within<'_> {
    #[inline]
    fn drop(&mut self) {
        PARENT.set(ptr::null());
    }
}

/// Keeps a task the running one of this thread. When this ends, none is.
pub(super) struct Running<'a>(PhantomData<&'a TaskRef>);

/// Makes a task the running one, within a [`TaskScope`].
#[inline]
pub(super) fn run_as(task: &TaskRef) -> Running<'_> {
    TASK.set(task.as_ptr().as_ptr());
    Running(PhantomData)
}

impl Drop for Running<'_> {
    #[inline]
    fn drop(&mut self) {
        TASK.set(ptr::null());
    }
}

/// The header of the running task.
#[inline]
fn with_task<R>(code: impl FnOnce(&Header) -> R) -> Option<R> {
    let task = NonNull::new(TASK.get().cast_mut())?;
    // SAFETY: a `Running` further up the stack borrows it, on this thread.
    Some(code(unsafe { task.as_ref() }))
}

/// How far the end of the running task has come.
#[inline]
pub(super) fn stage() -> Stage {
    with_task(|task| task.state.get().stage()).unwrap_or_default()
}

/// Where the running task has its clean-ups registered.
pub(super) fn branch() -> Option<Rc<Branch>> {
    with_task(Header::branch)
}

/// The branch of the owner that is nearest where the running task is polled, which is somebody's child.
pub(super) fn branch_of_parent() -> Option<Rc<Branch>> {
    at_parent(owner::Restore::branch)?
}

/// How far the owners have come around where children are polled.
pub(super) fn stage_of_parent() -> Option<Stage> {
    at_parent(owner::Restore::stage)
}

fn at_parent<R>(code: impl FnOnce(&owner::Restore) -> R) -> Option<R> {
    let parent = NonNull::new(PARENT.get().cast_mut())?;
    // SAFETY: a `Within` further up the stack borrows it.
    let parent = unsafe { parent.as_ref() };
    // For a moment this is where the parent is.
    let _before = task_scope();
    TASK.set(parent.task);
    PARENT.set(parent.parent);
    Some(code(&parent.frames))
}

/// How long the clean-ups may take that begin now on the running loop.
pub(super) fn grace() -> Option<Grace> {
    with_home(|view| view.local().grace())?
}

/// A handle to the running loop for other threads.
pub(crate) fn remote() -> Option<Remote> {
    with_home(|view| Remote::new(view.counted()))
}

/// Tells the running loop's reporter what nobody sees.
pub(crate) fn tell(report: Report) {
    with_home(|view| view.local().tell(report));
}

/// Tells the running loop's reporter about a panic that nobody sees, `who` having panicked.
pub(crate) fn report(who: &str, payload: Payload) {
    report_of(who, payload, current());
}

/// The same, for a task that need not be the running one.
pub(crate) fn report_of(who: &str, payload: Payload, task: Option<Info>) {
    let mut seen = Some((payload, task));
    let report = |view: View<'_>, (payload, task)| view.local().report(who, payload, task);
    with_home(|view| seen.take().map(|seen| report(view, seen)));
    if let Some((payload, _)) = seen {
        discard(payload);
    }
}

/// The id of the running task.
#[inline]
pub(super) fn task_id() -> Option<Id> {
    with_task(|task| task.id)
}

/// The values of the running task; `None` outside a task. It has some from now on.
pub(super) fn locals() -> Option<Rc<Locals>> {
    with_task(Header::locals)
}

/// Whether the running task has values; `None` outside a task.
#[inline]
pub(super) fn has_locals() -> Option<bool> {
    with_task(Header::has_locals)
}

/// The running task; `None` outside a task.
///
/// ```
/// assert!(ringio::task::current().is_none());
/// ringio::run(async {
///     assert!(ringio::task::current().is_some(), "the main future is a task too");
/// });
/// ```
#[doc(alias = "current_task")]
pub fn current() -> Option<Info> {
    let task = NonNull::new(TASK.get().cast_mut())?;
    // SAFETY: a `Running` further up the stack borrows it, on this thread.
    let task = unsafe { TaskRef::acquire(task) };
    Some(task.info())
}

/// The unfinished tasks of the running loop, in the order of their spawn; none outside a loop.
///
/// ```
/// ringio::run(async {
///     let child = ringio::spawn(async {});
///     assert!(ringio::task::all().iter().any(|task| task.id() == child.id()));
/// });
/// ```
#[doc(alias = "all_tasks")]
pub fn all() -> Vec<Info> {
    with_home(|view| view.local().snapshot().iter().map(TaskRef::info).collect())
        .unwrap_or_default()
}

/// Spawns on the running loop.
#[track_caller]
pub(crate) fn spawn<F: Future + 'static>(meta: Meta, fut: F) -> JoinHandle<F::Output> {
    let Some(shared) = NonNull::new(HOME.get().cast_mut()) else { no_loop() };
    // SAFETY: as in `with_home`, whose closure would be one more move of the future.
    let view = unsafe { View::new(shared) };
    // SAFETY: a `'static` future borrows nothing.
    unsafe { start(view, meta, fut, OnLoop) }
}

/// Hands the running loop to `code`, and panics if there is none.
#[inline]
#[track_caller]
pub(super) fn at_home<R>(code: impl FnOnce(View<'_>) -> R) -> R {
    match with_home(code) {
        Some(result) => result,
        None => no_loop(),
    }
}

#[cold]
#[track_caller]
fn no_loop() -> ! {
    panic!(
        "no ringio loop is running on this thread: spawn from inside ringio::run or Runner::run, \
         and from another thread with RemoteHandle::spawn"
    )
}
