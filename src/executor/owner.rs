//! Owners: who can be asked to end, and how those beneath hear of it.
//!
//! ```text
//!            ask                     deliver (clean-ups beneath)
//!  Going ──────────▶ Asked ─────────────────────────────▶ Ending
//! ```
//!
//! Whoever polls the body of an owner does so [`within`](Owner::within) it. So everything that is
//! polled knows its owners: they are the frames further up the stack, and above those the task.
//!
//! # Safety
//! [`FRAME`] is null or points to a frame further up this thread's stack, which borrows its owner.
//! Who puts it there puts back what was there before, also when unwinding; a task's poll begins
//! without frames.
#![allow(unsafe_code, reason = "a thread-local list through the stack: nothing is allocated")]

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::task::{Context, Poll};

use super::branch::Branch;
use super::current;
use crate::util::sync::thread_local;

thread_local! {
    static FRAME: Cell<*const Frame> = const { Cell::new(ptr::null()) };
    static REQUESTS: Cell<u64> = const { Cell::new(1) };
}

/// Changes with each request to an owner of this thread: while it does not, no [`Stage`] has. Never 0.
#[inline]
pub(super) fn requests() -> u64 {
    REQUESTS.get()
}

/// Some owner is asked to end, or its end is delivered.
#[inline]
pub(super) fn count_request() {
    REQUESTS.set(REQUESTS.get() + 1);
}

/// An owner whose body is being polled.
struct Frame {
    /// `None`: what is polled here has no owner, whoever stands above.
    owner: Option<NonNull<Owner>>,
    above: *const Frame,
}

/// Puts a frame back.
pub(super) struct Restore(*const Frame);

impl Restore {
    /// The branch of whoever owns what was polled there.
    pub(super) fn branch(&self) -> Option<Rc<Branch>> {
        branch_of(self.0)
    }

    /// How far those have come who own what was polled there.
    pub(super) fn stage(&self) -> Stage {
        stage_of(self.0)
    }
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        FRAME.set(self.0);
    }
}

/// Remembers the frames, and begins without any.
#[inline]
pub(super) fn no_frames() -> Restore {
    Restore(FRAME.replace(ptr::null()))
}

/// How far an owner's end has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Stage {
    #[default]
    Going,
    /// It was asked to end. What is entered from now on does not start.
    Asked,
    /// The request was delivered: clean-ups run, and nothing goes on behind them.
    Ending,
}

/// Can be asked to end, with all that is polled within it.
pub(crate) struct Owner {
    stage: Cell<Stage>,
    /// When it will be asked, in nanoseconds of a clock that this floor does not know.
    deadline: Cell<u64>,
    /// There is one once a clean-up is registered beneath.
    branch: OnceCell<Rc<Branch>>,
}

impl Owner {
    pub(crate) const fn new() -> Owner {
        Owner {
            stage: Cell::new(Stage::Going),
            deadline: Cell::new(u64::MAX),
            branch: OnceCell::new(),
        }
    }

    /// Lets those within know when its time is up; see [`is_time_up`].
    #[inline]
    pub(crate) fn set_deadline(&self, nanos: u64) {
        self.deadline.set(nanos);
    }

    #[inline]
    pub(crate) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// Asks it to end; false if it was asked before. Its next poll is to deliver that.
    pub(crate) fn ask(&self) -> bool {
        if self.stage.get() != Stage::Going {
            return false;
        }
        self.stage.set(Stage::Asked);
        count_request();
        // The time of its clean-ups counts from here.
        if let Some(branch) = self.branch.get() {
            branch.limit();
        }
        true
    }

    /// Polls something of which this is the owner.
    #[inline]
    pub(crate) fn within<R>(&self, code: impl FnOnce() -> R) -> R {
        let above = FRAME.get();
        if let Some(branch) = self.branch.get() {
            branch.move_beneath(branch_of(above));
        }
        let frame = Frame { owner: Some(NonNull::from(self)), above };
        let _restore = Restore(FRAME.replace(&frame));
        code()
    }

    /// Whether clean-ups beneath have not ended.
    #[inline]
    pub(crate) fn has_clean_ups(&self) -> bool {
        self.branch.get().is_some_and(|branch| branch.has_clean_ups())
    }

    /// Has the clean-ups beneath begin: they are woken, and find the owner ending.
    pub(crate) fn deliver(&self) {
        self.stage.set(Stage::Ending);
        count_request();
        if let Some(branch) = self.branch.get() {
            branch.limit();
            branch.wake_beneath();
        }
    }

    /// Ready when the clean-ups beneath have ended, or their time is over.
    pub(crate) fn poll_clean_ups(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.branch.get() {
            Some(branch) if branch.has_clean_ups() => {
                branch.leave_waker(cx.waker());
                branch.poll_limit(cx)
            }
            _ => Poll::Ready(()),
        }
    }

    fn branch(&self, above: *const Frame) -> &Rc<Branch> {
        self.branch.get_or_init(|| Branch::beneath(branch_of(above)))
    }
}

impl Default for Owner {
    fn default() -> Self {
        Owner::new()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(branch) = self.branch.get() {
            branch.detach();
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("stage", &self.stage.get()).finish_non_exhaustive()
    }
}

/// What must run when an owner above is asked to end: the owner's body is kept, and polled, until
/// this has ended or is dropped.
#[derive(Debug, Default)]
pub(crate) struct CleanUp {
    owner: Owner,
}

impl CleanUp {
    pub(crate) const fn new() -> CleanUp {
        CleanUp { owner: Owner::new() }
    }

    /// Registers with the owner around; in each poll, for it may have come to another.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let above = FRAME.get();
        let branch = self.owner.branch(above);
        branch.move_beneath(branch_of(above));
        branch.count(cx.waker());
    }

    /// Polls what runs before this clean-up, and may have clean-ups of its own.
    pub(crate) fn within<R>(&self, code: impl FnOnce() -> R) -> R {
        self.owner.within(code)
    }

    /// Ready when no clean-up is left within.
    pub(crate) fn poll_inner(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.owner.has_clean_ups() {
            return Poll::Ready(());
        }
        let branch = self.owner.branch(FRAME.get());
        branch.leave_waker(cx.waker());
        Poll::Pending
    }

    /// It has ended, or is not needed.
    pub(crate) fn end(&self) {
        if let Some(branch) = self.owner.branch.get() {
            branch.discount();
        }
    }
}

/// Polls something that no request from above concerns: a clean-up.
pub(crate) fn shelter<R>(code: impl FnOnce() -> R) -> R {
    let frame = Frame { owner: None, above: ptr::null() };
    let _restore = Restore(FRAME.replace(&frame));
    code()
}

/// How far the owners around have come; of several, the one that has come farthest.
#[inline]
pub(crate) fn surroundings() -> Stage {
    stage_of(FRAME.get())
}

#[inline]
fn stage_of(frame: *const Frame) -> Stage {
    let mut stage = Stage::Going;
    let mut at = Position::above(frame);
    while let Position::Within(owner, above) = at {
        stage = stage.max(owner.stage());
        at = Position::above(above);
    }
    match at {
        Position::Task => stage.max(current::stage()),
        _ => stage,
    }
}

/// Whether the deadline of an owner around, in this task, has passed.
pub(crate) fn is_time_up(now: u64) -> bool {
    let mut at = Position::above(FRAME.get());
    while let Position::Within(owner, above) = at {
        if owner.deadline.get() <= now {
            return true;
        }
        at = Position::above(above);
    }
    false
}

/// Who owns what is polled beneath a frame.
enum Position<'a> {
    Within(&'a Owner, *const Frame),
    Task,
    Sheltered,
}

impl Position<'_> {
    /// The frame is one that was in [`FRAME`] during this call of the caller's, or above such a one.
    #[inline]
    fn above(frame: *const Frame) -> Self {
        let Some(frame) = NonNull::new(frame.cast_mut()) else { return Position::Task };
        // SAFETY: it is further up the stack, see above.
        let frame = unsafe { frame.as_ref() };
        let Some(owner) = frame.owner else { return Position::Sheltered };
        // SAFETY: the frame borrows it.
        Position::Within(unsafe { owner.as_ref() }, frame.above)
    }
}

/// The branch of whoever owns what is polled beneath a frame.
fn branch_of(frame: *const Frame) -> Option<Rc<Branch>> {
    match Position::above(frame) {
        Position::Within(owner, above) => Some(owner.branch(above).clone()),
        Position::Task => current::branch(),
        Position::Sheltered => None,
    }
}
