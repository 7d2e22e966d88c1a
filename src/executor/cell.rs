//! What a task's block holds behind its header, and the functions that know its types.
//!
//! # Safety
//! The block is only ever reached through the pointer that the allocator gave, and no reference
//! to the whole of it is made: the header is shared while the slot is borrowed mutably.
#![allow(unsafe_code, reason = "one allocation for a header and a future of any type")]

use std::alloc::Layout;
use std::mem::{ManuallyDrop, needs_drop, offset_of};
use std::pin::Pin;
use std::ptr::{NonNull, drop_in_place};
use std::task::{Context, Poll};

use super::blocks::rounded;
use super::failure;
use super::header::Header;
use super::info::{Id, Meta};
use super::join_error::JoinError;
use super::shared::View;
use super::state::State;
use super::task::TaskRef;
use crate::util::contain::{Payload, catch, contain, discard};

/// What a task comes to.
pub(super) type Outcome<T> = Result<T, JoinError>;

/// Whose queue a task goes to when it is woken.
///
/// It has no destructor, so what it leads to must outlive the task's end. `T` is the task's output.
pub(super) trait Schedule<T> {
    /// Puts a task with this scheduler into its queue, if that is not its loop's: the task is
    /// somebody's child then, and nobody but its parent polls or drops its future.
    ///
    /// The task must not be over, and may end while this works.
    const SCHEDULE: Option<unsafe fn(TaskRef)>;

    /// The words of the error that an output is, as far as outputs can be looked at.
    #[inline]
    fn failure(_: &T) -> Option<String> {
        None
    }
}

/// The scheduler of a task that belongs to no group.
pub(super) struct OnLoop;

impl<T: 'static> Schedule<T> for OnLoop {
    const SCHEDULE: Option<unsafe fn(TaskRef)> = None;

    #[inline]
    fn failure(output: &T) -> Option<String> {
        failure::of(output)
    }
}

/// The same for a task that may borrow. Whoever spawned it takes its output.
pub(super) struct Borrowing;

impl<T> Schedule<T> for Borrowing {
    const SCHEDULE: Option<unsafe fn(TaskRef)> = None;
}

/// What can be done with a block whose types are forgotten. Every function's contract includes
/// that the pointer heads a live block with this vtable, on the loop's thread.
pub(super) struct VTable {
    /// Polls the future; on `Ready` it is gone and the outcome in its place. The future must be
    /// there, and nobody else's.
    pub(super) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Poll<()>,
    /// Drops the future and puts an error in its place. As for `poll`. Does not unwind.
    pub(super) end: unsafe fn(NonNull<Header>, JoinError),
    /// Drops the outcome, which must be there and nobody else's, and tells of a panic or a known
    /// error. Does not unwind.
    pub(super) discard: unsafe fn(&TaskRef),
    /// The words of the error that the outcome, which must be there, is known to be.
    pub(super) failure: unsafe fn(NonNull<Header>) -> Option<String>,
    /// See [`Schedule::SCHEDULE`].
    pub(super) schedule: Option<unsafe fn(TaskRef)>,
    /// Where the outcome lies, in bytes from the header.
    pub(super) outcome: usize,
    pub(super) layout: Layout,
}

#[repr(C)]
pub(super) struct TaskCell<F: Future, S> {
    header: Header,
    scheduler: S,
    slot: Slot<F>,
}

/// The future until the task is DONE, then the outcome until it is EMPTY.
#[repr(C)]
union Slot<F: Future> {
    future: ManuallyDrop<F>,
    outcome: ManuallyDrop<Outcome<F::Output>>,
}

impl<F: Future, S: Schedule<F::Output>> TaskCell<F, S> {
    const VTABLE: VTable = VTable {
        poll: Self::poll,
        end: Self::end_with_error,
        discard: Self::discard,
        failure: Self::failure,
        schedule: S::SCHEDULE,
        outcome: offset_of!(Self, slot),
        layout: rounded(Layout::new::<Self>()),
    };

    /// A new task that nobody knows yet.
    #[inline]
    pub(super) fn allocate(
        view: View<'_>,
        id: impl FnOnce() -> Id,
        meta: Meta,
        future: F,
        scheduler: S,
    ) -> TaskRef {
        const { assert!(!needs_drop::<S>(), "a scheduler is never dropped") };
        let vtable = &Self::VTABLE;
        let block = view.local().blocks.allocate(vtable.layout).cast::<Self>();
        let header = Header::new(view, vtable, id, meta);
        let slot = Slot { future: ManuallyDrop::new(future) };
        // SAFETY: fresh memory of our layout, rounded up.
        unsafe { block.write(TaskCell { header, scheduler, slot }) };
        // SAFETY: made just now, on the thread that the view is bound to; the header comes first.
        unsafe { TaskRef::from_raw(block.cast()) }
    }

    fn future(header: NonNull<Header>) -> *mut F {
        header.as_ptr().wrapping_byte_add(offset_of!(Self, slot)).cast()
    }

    fn outcome(header: NonNull<Header>) -> *mut Outcome<F::Output> {
        header.as_ptr().wrapping_byte_add(offset_of!(Self, slot)).cast()
    }

    unsafe fn poll(header: NonNull<Header>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the future is there and ours by the caller's word.
        let future = unsafe { &mut *Self::future(header) };
        // SAFETY: it stays where it is until `end` drops it in place.
        let future = unsafe { Pin::new_unchecked(future) };
        match future.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(output) => {
                // SAFETY: the borrow ended with the poll.
                unsafe { Self::end(header, Ok(output)) };
                Poll::Ready(())
            }
        }
    }

    unsafe fn end_with_error(header: NonNull<Header>, error: JoinError) {
        // SAFETY: the caller's word.
        unsafe { Self::end(header, Err(error)) };
    }

    /// Drops the future and puts the outcome in its place; a panic of the destructor becomes the
    /// outcome, unless that is a panic already.
    #[inline]
    unsafe fn end(header: NonNull<Header>, outcome: Outcome<F::Output>) {
        // SAFETY: alive by the caller's word, and only ever shared.
        let cell = unsafe { &(*header.as_ptr()).state };
        let state = cell.get();
        cell.set(state | State::ENDING);
        let mut outcome = outcome;
        if state.contains(State::CLEANING) {
            outcome = too_late(outcome);
        }
        if needs_drop::<F>() {
            // SAFETY: the future is there and ours by the caller's word; ENDING keeps everybody
            // from it while its destructor runs, and from then on it is not looked at.
            if let Err(payload) = catch(|| unsafe { drop_in_place(Self::future(header)) }) {
                outcome = after_panic(outcome, payload);
            }
        }
        // SAFETY: the slot is big enough for either and free now.
        unsafe { Self::outcome(header).write(outcome) };
    }

    unsafe fn discard(task: &TaskRef) {
        // SAFETY: the outcome is there and ours by the caller's word; it is not looked at again.
        let outcome = unsafe { Self::outcome(task.as_ptr()).read() };
        match outcome {
            Err(JoinError::Panicked(payload)) => task.report_panic(payload),
            Err(JoinError::Cancelled) => {}
            Ok(output) => {
                if let Some(words) = S::failure(&output) {
                    task.report_failure(words);
                }
                contain(|| drop(output));
            }
        }
    }

    unsafe fn failure(header: NonNull<Header>) -> Option<String> {
        // SAFETY: the outcome is there by the caller's word, and nobody moves it meanwhile.
        let outcome = unsafe { &*Self::outcome(header) };
        outcome.as_ref().ok().and_then(S::failure)
    }
}

/// The scheduler of a task.
///
/// # Safety
/// The task was made with an `S`, and its block lives as long as the result is used.
#[inline]
pub(super) unsafe fn scheduler<'a, S>(header: NonNull<Header>) -> &'a S {
    // The fields stand in the order of their declaration: what follows them changes nothing.
    let offset = const { offset_of!(TaskCell<std::future::Ready<()>, S>, scheduler) };
    // SAFETY: the block reaches that far.
    let scheduler = unsafe { header.byte_add(offset) };
    // SAFETY: the caller's promise; it is only ever shared.
    unsafe { scheduler.cast().as_ref() }
}

/// The outcome of a task whose clean-ups had begun: no result wins any more.
#[cold]
fn too_late<T>(outcome: Outcome<T>) -> Outcome<T> {
    match outcome {
        Ok(output) => {
            contain(|| drop(output));
            Err(JoinError::Cancelled)
        }
        error => error,
    }
}

/// The outcome of a task whose future's destructor panicked.
#[cold]
fn after_panic<T>(outcome: Outcome<T>, payload: Payload) -> Outcome<T> {
    match outcome {
        Err(JoinError::Panicked(first)) => {
            discard(payload);
            Err(JoinError::Panicked(first))
        }
        outcome => {
            contain(|| drop(outcome));
            Err(JoinError::Panicked(payload))
        }
    }
}
