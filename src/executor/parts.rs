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
use super::family::{Family, Kind};
use super::info::Meta;
use super::join_error::JoinError;
use super::owner::{Stage, surroundings};
use super::state::State;
use super::task::TaskRef;

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
        for future in futures {
            current::at_home(|view| parts.family.adopt(view, Meta::here(), future));
            parts.running += 1;
        }
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
        let starts = surroundings() == Stage::Going;
        family.round(Kind::Part, starts, |child| {
            if !child.state().contains(State::DONE) {
                return ControlFlow::Continue(());
            }
            *running -= 1;
            let child = Ended { family, child, _future: PhantomData };
            child.resume_panic();
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
        let family = &*self.family;
        let mut outputs = Vec::with_capacity(family.len());
        while let Some(child) = family.first() {
            outputs.push(Ended::<F> { family, child, _future: PhantomData }.take());
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
    child: TaskRef,
    _future: PhantomData<F>,
}

impl<F: Future> Ended<'_, F> {
    fn resume_panic(&self) {
        // SAFETY: it is DONE, its output is an `F::Output`, and nobody has taken it.
        if unsafe { self.child.outcome::<F::Output>().as_ref() }.is_err() {
            panic_of(self.outcome())
        }
    }

    /// The output.
    pub(crate) fn output(&self) -> &F::Output {
        // SAFETY: as above.
        match unsafe { self.child.outcome::<F::Output>().as_ref() } {
            Ok(output) => output,
            Err(_) => unreachable!("its panic has been resumed"),
        }
    }

    /// Moves the output out.
    pub(crate) fn take(self) -> F::Output {
        self.outcome().unwrap_or_else(|error| panic_of::<F::Output>(Err(error)))
    }

    fn outcome(&self) -> Outcome<F::Output> {
        drop(self.family.unlist(&self.child));
        assert!(self.child.state().contains(State::DONE), "a part that runs has no output");
        // SAFETY: it is DONE, and its output is an `F::Output`.
        unsafe { self.child.take_outcome() }
    }
}

#[cold]
fn panic_of<T>(outcome: Outcome<T>) -> ! {
    match outcome {
        Err(JoinError::Panicked(payload)) => resume_unwind(payload),
        _ => unreachable!("nobody cancels a part"),
    }
}
