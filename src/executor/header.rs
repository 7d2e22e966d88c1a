//! What is known about a task whatever its future is, and who holds it.
//!
//! # Safety
//! The header is read by two kinds of owner. A [`TaskRef`](super::task::TaskRef) cannot leave the
//! loop's thread and may use all of it. A [`WakerRef`](super::waker::WakerRef) may be anywhere: it
//! uses the first four fields only, unless it has found itself on the loop's thread. All `TaskRef`s
//! together hold `held` of the counted references, wakers and inbox entries hold one each; who lets go of the
//! last frees the block. When the last `TaskRef` is gone nothing is left in the block that has a
//! destructor, so that a foreign thread frees bare memory.
#![allow(unsafe_code, reason = "a hand-made reference count of two kinds of owner")]

use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::Waker;

use super::cell::VTable;
use super::current;
use super::info::{Id, Meta};
use super::locals::Locals;
use super::remote::Node;
use super::shared::{Shared, View, retire};
use super::state::State;
use crate::util::Key;
use crate::util::sync::{AtomicUsize, Ordering, fence};

/// References that the loop's thread holds from the start, for all wakers it will ever make: on
/// its own thread a waker is cloned and dropped by moving one between it and `held`, without a
/// locked instruction.
const GRANT: usize = usize::MAX >> 2;

/// What is known about a task whatever its future is. First field of its block.
#[repr(C)]
pub(super) struct Header {
    // Any thread.
    pub(super) node: Node,
    pub(super) references: AtomicUsize,
    pub(super) vtable: &'static VTable,
    /// One counted reference to the block of its loop.
    pub(super) shared: NonNull<Shared>,
    // The loop's thread.
    /// The share of `references` that all `TaskRef`s hold together; 0 when none is left.
    pub(super) held: Cell<usize>,
    /// The task behind it in the run queue.
    pub(super) next_ready: Cell<Option<NonNull<Header>>>,
    /// How many `TaskRef`s there are.
    pub(super) local: Cell<u32>,
    pub(super) state: Cell<State>,
    /// Where the roster has it.
    pub(super) listing: Cell<Key>,
    /// Who awaits the outcome.
    pub(super) joiner: Cell<Option<Waker>>,
    /// Few tasks have one, so it is somewhere else.
    pub(super) name: Cell<Option<Box<Rc<str>>>>,
    /// What its keys stand for, if it has ever used one or inherited some.
    locals: Cell<Option<Rc<Locals>>>,
    pub(super) id: Id,
    pub(super) parent: Option<Id>,
    pub(super) spawned_at: &'static Location<'static>,
}

impl Header {
    /// A header with one `TaskRef`.
    #[inline(always)]
    pub(super) fn new(view: View<'_>, vtable: &'static VTable, meta: Meta) -> Header {
        Header {
            node: Node::of_task(),
            references: AtomicUsize::new(GRANT),
            vtable,
            shared: view.reference(),
            held: Cell::new(GRANT),
            next_ready: Cell::new(None),
            local: Cell::new(1),
            state: Cell::new(State::JOINED),
            listing: Cell::new(Key::NONE),
            joiner: Cell::new(None),
            name: Cell::new(meta.name.map(aside)),
            locals: Cell::new(meta.locals),
            id: view.local().next_id(),
            parent: current::task_id(),
            spawned_at: meta.spawned_at,
        }
    }
}

impl Header {
    #[inline]
    pub(super) fn has_locals(&self) -> bool {
        // SAFETY: only this thread uses the cell, and nothing writes to it while this looks.
        unsafe { &*self.locals.as_ptr() }.is_some()
    }

    pub(super) fn locals(&self) -> Rc<Locals> {
        let locals = self.locals.take().unwrap_or_default();
        self.locals.set(Some(locals.clone()));
        locals
    }

    /// Drops them, which is user code.
    #[inline]
    pub(super) fn clear_locals(&self) {
        if self.has_locals() {
            let_go(self.locals.take());
        }
    }
}

#[cold]
fn let_go(locals: Option<Rc<Locals>>) {
    drop(locals);
}

/// A name, which few tasks have.
#[cold]
fn aside(name: Rc<str>) -> Box<Rc<str>> {
    Box::new(name)
}

/// Lets go of `n` references, and of the block with the last.
///
/// # Safety
/// The caller owns them, and every other owner lets go through here too.
pub(super) unsafe fn release(header: NonNull<Header>, n: usize) {
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
