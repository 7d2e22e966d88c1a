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
/// It has no destructor, so what it leads to must outlive the task's end. `T` is the future's output.
pub(super) trait Schedule<T> {
    /// What the task's handle gives.
    type Value;

    /// Puts a task with this scheduler into its queue, if that is not its loop's: the task is
    /// somebody's child then, and nobody but its parent polls or drops its future.
    ///
    /// The task must not be over, and may end while this works.
    const SCHEDULE: Option<unsafe fn(TaskRef)>;

    /// Whether a value without a destructor is forgotten with the future if the task has no handle:
    /// where nobody looks at values else.
    const FORGETS: bool = false;

    /// What the task comes to with this output. The future is still there.
    fn settle(&self, output: T) -> Outcome<Self::Value>;

    /// Takes a panic of the future, or of its destructor, that is not to be the task's outcome.
    ///
    /// # Errors
    /// The panic, if it is.
    #[inline]
    fn take_panic(&self, payload: Payload) -> Result<(), Payload> {
        Err(payload)
    }

    /// The words of the error that a value is, as far as values can be looked at.
    #[inline]
    fn failure(_: &Self::Value) -> Option<String> {
        None
    }
}

/// The scheduler of a task that belongs to no group.
pub(super) struct OnLoop;

impl<T: 'static> Schedule<T> for OnLoop {
    type Value = T;

    const SCHEDULE: Option<unsafe fn(TaskRef)> = None;

    #[inline]
    fn settle(&self, output: T) -> Outcome<T> {
        Ok(output)
    }

    #[inline]
    fn failure(output: &T) -> Option<String> {
        failure::of(output)
    }
}

/// The same for a task that may borrow. Whoever spawned it takes its output.
pub(super) struct Borrowing;

impl<T> Schedule<T> for Borrowing {
    type Value = T;

    const SCHEDULE: Option<unsafe fn(TaskRef)> = None;

    #[inline]
    fn settle(&self, output: T) -> Outcome<T> {
        Ok(output)
    }
}

/// What can be done with a block whose types are forgotten. Every function's contract includes
/// that the pointer heads a live block with this vtable, on the loop's thread.
pub(super) struct VTable {
    /// Polls the future; on `Ready` it is gone and the outcome in its place, unless EMPTY says that it
    /// was forgotten. The future must be there, and nobody else's.
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
pub(super) struct TaskCell<F, S, T> {
    header: Header,
    scheduler: S,
    slot: Slot<F, T>,
}

/// The future until the task is DONE, then the outcome until it is EMPTY.
#[repr(C)]
union Slot<F, T> {
    future: ManuallyDrop<F>,
    outcome: ManuallyDrop<Outcome<T>>,
}

impl<F: Future, S: Schedule<F::Output>> TaskCell<F, S, S::Value> {
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

    fn outcome(header: NonNull<Header>) -> *mut Outcome<S::Value> {
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
                // SAFETY: this task's own, and alive by the caller's word.
                let outcome = unsafe { scheduler::<S>(header) }.settle(output);
                // SAFETY: the borrow ended with the poll.
                unsafe { Self::end(header, outcome) };
                Poll::Ready(())
            }
        }
    }

    unsafe fn end_with_error(header: NonNull<Header>, error: JoinError) {
        let error = match error {
            // SAFETY: the caller's word.
            JoinError::Panicked(payload) => match unsafe { Self::pass_on(header, payload) } {
                Ok(()) => JoinError::Cancelled,
                Err(payload) => JoinError::Panicked(payload),
            },
            JoinError::Cancelled => JoinError::Cancelled,
        };
        // SAFETY: the caller's word.
        unsafe { Self::end(header, Err(error)) };
    }

    /// Gives a panic to whoever takes those of this task; what that panics with comes back too.
    #[cold]
    unsafe fn pass_on(header: NonNull<Header>, payload: Payload) -> Result<(), Payload> {
        // SAFETY: this task's own, and alive by the caller's word.
        let scheduler = unsafe { scheduler::<S>(header) };
        catch(|| scheduler.take_panic(payload)).unwrap_or_else(Err)
    }

    /// Drops the future and puts the outcome in its place; a panic of the destructor that nobody takes
    /// becomes the outcome, unless that is a panic already.
    #[inline]
    unsafe fn end(header: NonNull<Header>, outcome: Outcome<S::Value>) {
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
            let dropped = catch(|| unsafe { drop_in_place(Self::future(header)) });
            // SAFETY: the caller's word.
            let passed_on = dropped.or_else(|payload| unsafe { Self::pass_on(header, payload) });
            if let Err(payload) = passed_on {
                outcome = after_panic(outcome, payload);
            }
        }
        let is_forgotten = S::FORGETS && !needs_drop::<S::Value>() && outcome.is_ok();
        if is_forgotten && !cell.get().contains(State::JOINED) {
            cell.set(cell.get() | State::EMPTY);
            return;
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
    let offset = const { offset_of!(TaskCell<(), S, ()>, scheduler) };
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
