//! What is known about a task whatever its future is, and who holds it.
//!
//! # Safety
//! The header is read by two kinds of owner. A [`TaskRef`](super::task::TaskRef) cannot leave the
//! loop's thread and may use all of it. A [`WakerRef`](super::waker::WakerRef) may be anywhere: it
//! uses the first fields only, and of those not `held`, unless it has found itself on the loop's
//! thread. All `TaskRef`s together hold `held` of the counted references, wakers and inbox entries
//! hold one each; who lets go of the last frees the block. When the last `TaskRef` is gone nothing
//! is left in the block that has a destructor, so that a foreign thread frees bare memory.
#![allow(unsafe_code, reason = "a hand-made reference count of two kinds of owner")]

use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::Waker;

use super::branch::Branch;
use super::cell::VTable;
use super::current;
use super::info::{Id, Meta};
use super::locals::Locals;
use super::remote::Node;
use super::shared::{Shared, View, retire};
use super::state::State;
use super::task::TaskRef;
use crate::util::sync::{AtomicU32, Ordering, fence};

/// References that the loop's thread holds from the start, for all wakers it will ever make: on
/// its own thread a waker is cloned and dropped by moving one between it and `held`, without a
/// locked instruction.
const GRANT: u32 = u32::MAX >> 2;

/// What is known about a task whatever its future is. First field of its block.
#[repr(C)]
pub(super) struct Header {
    // Any thread, but for `held`, which fills a gap.
    pub(super) node: Node,
    pub(super) references: AtomicU32,
    /// The share of `references` that all `TaskRef`s hold together; 0 when none is left. The loop's
    /// thread.
    pub(super) held: Cell<u32>,
    pub(super) vtable: &'static VTable,
    /// One counted reference to the block of its loop.
    pub(super) shared: NonNull<Shared>,
    // The loop's thread.
    /// The task behind it in the run queue.
    pub(super) next_ready: Cell<Option<NonNull<Header>>>,
    /// How many `TaskRef`s there are.
    pub(super) local: Cell<u32>,
    pub(super) state: Cell<State>,
    /// Its neighbours on the roster, or among the children of its family.
    pub(super) listed_before: Cell<Option<NonNull<Header>>>,
    pub(super) listed_behind: Cell<Option<NonNull<Header>>>,
    /// Who awaits the outcome.
    pub(super) joiner: Cell<Option<Waker>>,
    /// What few tasks have, so it is somewhere else.
    rare: Cell<Option<Box<Rare>>>,
    pub(super) id: Id,
    pub(super) parent: Option<Id>,
    pub(super) spawned_at: &'static Location<'static>,
}

impl Header {
    /// A header with one `TaskRef`.
    #[inline(always)]
    pub(super) fn new(
        view: View<'_>,
        vtable: &'static VTable,
        id: impl FnOnce() -> Id,
        meta: Meta,
    ) -> Header {
        Header {
            node: Node::of_task(),
            references: AtomicU32::new(GRANT),
            held: Cell::new(GRANT),
            vtable,
            shared: view.reference(),
            next_ready: Cell::new(None),
            local: Cell::new(1),
            state: Cell::new(State::JOINED.union(State::UNBORN)),
            listed_before: Cell::new(None),
            listed_behind: Cell::new(None),
            joiner: Cell::new(None),
            rare: Cell::new(meta.rare),
            id: id(),
            parent: current::task_id(),
            spawned_at: meta.spawned_at,
        }
    }
}

/// Looks at a task's outcome, which must be there, and gives the words of the error that it is.
pub(super) type Look = fn(&TaskRef) -> Option<String>;

/// What few tasks have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    look: Option<Look>,
    pub(super) name: Option<Rc<str>>,
    /// What its keys stand for, if it has ever used one or inherited some.
    locals: Option<Rc<Locals>>,
    /// There is one once a clean-up is registered beneath.
    branch: Option<Rc<Branch>>,
}

impl Rare {
    #[cold]
    pub(super) fn with(locals: Option<Rc<Locals>>) -> Box<Rare> {
        Box::new(Rare { locals, ..Rare::default() })
    }
}

impl Header {
    /// Whether it is somebody's child.
    #[inline]
    pub(super) fn is_owned(&self) -> bool {
        self.vtable.schedule.is_some()
    }

    pub(super) fn name(&self) -> Option<Rc<str>> {
        self.with_rare(|rare| rare.as_ref()?.name.clone())
    }

    /// How to find out whether the outcome is an error, if somebody has said that.
    #[inline]
    pub(super) fn look(&self) -> Option<Look> {
        if self.has_rare() { self.with_rare(|rare| rare.as_ref()?.look) } else { None }
    }

    pub(super) fn set_look(&self, look: Look) {
        self.with_rare(|rare| rare.get_or_insert_default().look = Some(look));
    }

    /// Where clean-ups are registered, if ever one was.
    pub(super) fn present_branch(&self) -> Option<Rc<Branch>> {
        self.with_rare(|rare| rare.as_ref()?.branch.clone())
    }

    /// Where clean-ups are registered.
    #[cold]
    pub(super) fn branch(&self) -> Rc<Branch> {
        if let Some(branch) = self.present_branch() {
            return branch;
        }
        let above = if self.is_owned() { current::branch_of_parent() } else { None };
        let branch = Branch::beneath(above);
        self.with_rare(|rare| rare.get_or_insert_default().branch = Some(branch.clone()));
        branch
    }

    pub(super) fn has_locals(&self) -> bool {
        self.has_rare()
            && self.with_rare(|rare| rare.as_ref().is_some_and(|rare| rare.locals.is_some()))
    }

    pub(super) fn locals(&self) -> Rc<Locals> {
        self.with_rare(|rare| rare.get_or_insert_default().locals.get_or_insert_default().clone())
    }

    /// Drops them, which is user code.
    #[inline]
    pub(super) fn clear_locals(&self) {
        if self.has_rare() {
            self.drop_locals();
        }
    }

    #[cold]
    fn drop_locals(&self) {
        drop(self.with_rare(|rare| rare.as_mut()?.locals.take()));
    }

    /// Drops what has a destructor. But for the values of keys none of it is user code: who waited
    /// for the clean-ups, and for how long, is gone with the future.
    #[inline]
    pub(super) fn clear(&self) {
        if self.has_rare() {
            self.drop_rare();
        }
    }

    #[cold]
    fn drop_rare(&self) {
        // First, for their destructors may ask for more of all this.
        self.drop_locals();
        drop(self.rare.take());
    }

    #[inline]
    pub(super) fn has_joiner(&self) -> bool {
        // SAFETY: as in `has_rare`.
        unsafe { &*self.joiner.as_ptr() }.is_some()
    }

    /// Whether it has any of what few tasks have.
    #[inline]
    pub(super) fn has_rare(&self) -> bool {
        // SAFETY: only this thread uses the cell, and nothing writes to it while this looks.
        unsafe { &*self.rare.as_ptr() }.is_some()
    }

    fn with_rare<R>(&self, code: impl FnOnce(&mut Option<Box<Rare>>) -> R) -> R {
        let mut rare = self.rare.take();
        let result = code(&mut rare);
        self.rare.set(rare);
        result
    }
}

/// Lets go of `n` references, and of the block with the last.
///
/// # Safety
/// The caller owns them, and every other owner lets go through here too.
#[inline]
pub(super) unsafe fn release(header: NonNull<Header>, n: u32) {
    // SAFETY: alive while we own a reference. No `&Header` outlives this statement's use.
    let references = unsafe { &(*header.as_ptr()).references };
    // If all that are left are ours nobody can make new ones: no need to count down.
    // Acquire: what others did before they let go has happened before the block is freed.
    if references.load(Ordering::Acquire) != n {
        if references.fetch_sub(n, Ordering::Release) != n {
            return;
        }
        fence(Ordering::Acquire);
    }
    // SAFETY: nobody else has a reference, so the header is ours.
    let vtable = unsafe { (*header.as_ptr()).vtable };
    // SAFETY: as above.
    let shared = unsafe { (*header.as_ptr()).shared };
    // SAFETY: allocated with this layout, and one reference to the block of the loop belongs to
    // it. Whatever had a destructor is gone: the last `TaskRef` has emptied the header and found
    // the slot empty.
    unsafe { retire(shared, header.cast(), vtable.layout) };
}

/// As [`release`], of one reference. A waker mostly gives its own back, and has no room for the rest.
///
/// # Safety
/// As for [`release`].
#[inline(never)]
pub(super) unsafe fn release_one(header: NonNull<Header>) {
    // SAFETY: the caller's promise.
    unsafe { release(header, 1) };
}
