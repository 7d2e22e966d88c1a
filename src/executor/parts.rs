//! Futures of one type that are polled as parts of the running task, each when it was woken.
//!
//! # Safety
//! The children are this struct's own, and so are their futures, as `PhantomData` says: they are polled and
//! dropped in its methods and its destructor only, while whatever they borrow is alive. Forgotten,
//! it leaves them in memory that nobody touches. Every child gives an `F::Output`.
#![allow(unsafe_code, reason = "outcomes lie in the children's blocks, whose type is forgotten")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::cell::Outcome;
use super::current;
use super::family::{Family, Kind, Unkept};
use super::info::Meta;
use super::join_error::JoinError;
use super::owner::{Stage, surroundings};
use super::state::State;
use super::task::TaskRef;
use super::turn::Turn;

/// Parts of the running task. A wake costs the same however many there are, and no allocation; each
/// has a block like a task's.
pub(crate) struct Parts<F: Future> {
    family: Rc<Family>,
    /// How many have not ended.
    running: usize,
    _futures: PhantomData<F>,
}

impl<F: Future> Parts<F> {
    /// Parts that have not begun.
    ///
    /// # Panics
    /// If no loop runs on this thread.
    #[track_caller]
    pub(crate) fn new(futures: impl IntoIterator<Item = F>) -> Self {
        let mut parts = Parts { family: Rc::default(), running: 0, _futures: PhantomData };
        current::at_home(|view| {
            // They go by the name of the task that they are parts of, and use its values.
            let id = current::task_id().unwrap_or_else(|| view.local().next_id());
            for future in futures {
                // SAFETY: `Unkept`.
                let part = unsafe {
                    parts.family.bear::<Unkept, F>(view, || id, Meta::with(None), future)
                };
                parts.family.adopt(&part, Kind::Part);
                parts.running += 1;
            }
        });
        parts
    }

    /// Gives turns to those that were woken. `ended` gets each one that has ended, and may end the
    /// poll with a result. Else it is pending until all have ended, which gives `None`.
    ///
    /// # Panics
    /// With the panic of a part.
    #[inline]
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut ended: impl FnMut(Ended<'_, F>) -> ControlFlow<R>,
    ) -> Poll<Option<R>> {
        let (family, running) = (&*self.family, &mut self.running);
        let mut result = None;
        // One part may ask an owner around to end: those behind it do not start any more.
        let starts = || surroundings() == Stage::Going;
        family.round(Kind::Part, starts, |child, turn| {
            if turn == Turn::Pending {
                return ControlFlow::Continue(());
            }
            *running -= 1;
            // SAFETY: DONE since this turn, and every child gives an `F::Output`.
            let child = unsafe { Ended::<F>::new(family, child) };
            if let ControlFlow::Break(with) = ended(child) {
                result = Some(with);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if result.is_none() && *running > 0 {
            family.pend(cx);
            return Poll::Pending;
        }
        Poll::Ready(result)
    }

    /// How many have not ended.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// The outputs that nobody took, in the order of the futures, when all have ended.
    pub(crate) fn into_outputs(self) -> Vec<F::Output> {
        assert_eq!(self.running, 0, "a part that runs has no output");
        let mut outputs = Vec::with_capacity(self.family.len());
        while let Some(child) = self.family.unlist_first() {
            // SAFETY: none runs, so it is DONE, and its output is an `F::Output`; who takes one takes
            // it off the list.
            outputs.push(output(unsafe { child.take_outcome::<F::Output>() }));
        }
        outputs
    }
}

impl<F: Future> Drop for Parts<F> {
    fn drop(&mut self) {
        self.family.end_all(|child| {
            child.clear(State::JOINED);
            child.drop_within();
            if child.state().contains(State::DONE) {
                child.discard();
            }
        });
    }
}

impl<F: Future> fmt::Debug for Parts<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("running", &self.running).finish_non_exhaustive()
    }
}

/// A part that has ended.
pub(crate) struct Ended<'a, F> {
    family: &'a Family,
    /// DONE, without a panic, and nobody has taken the output.
    child: &'a TaskRef,
    _future: PhantomData<F>,
}

impl<'a, F: Future> Ended<'a, F> {
    /// # Panics
    /// With the panic of the part.
    ///
    /// # Safety
    /// The child is DONE, its output is an `F::Output`, and nobody has taken it.
    #[inline]
    unsafe fn new(family: &'a Family, child: &'a TaskRef) -> Self {
        // SAFETY: the caller's promise.
        if unsafe { child.outcome::<F::Output>().as_ref() }.is_err() {
            // SAFETY: who takes the output takes it off the list.
            drop(unsafe { family.unlist(child) });
            // SAFETY: as above.
            output(unsafe { child.take_outcome::<F::Output>() });
        }
        Ended { family, child, _future: PhantomData }
    }

    /// The output.
    pub(crate) fn output(&self) -> &F::Output {
        // SAFETY: see the field.
        match unsafe { self.child.outcome::<F::Output>().as_ref() } {
            Ok(output) => output,
            Err(_) => unreachable!("its panic was resumed"),
        }
    }

    /// Moves the output out.
    pub(crate) fn take(self) -> F::Output {
        // SAFETY: nobody has taken its output, and with that the child off the list.
        drop(unsafe { self.family.unlist(self.child) });
        // SAFETY: see the field.
        output(unsafe { self.child.take_outcome::<F::Output>() })
    }
}

/// The output, or the panic.
#[inline]
fn output<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Ok(output) => output,
        Err(JoinError::Panicked(payload)) => resume_unwind(payload),
        Err(JoinError::Cancelled) => unreachable!("nobody cancels a part"),
    }
}
