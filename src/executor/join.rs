//! The handle to a task.
//!
//! # Safety
//! A `JoinHandle<T>` is made for a task whose value is a `T`, and moves the outcome out of the
//! block once: the state says whether it is there.
#![allow(unsafe_code, reason = "the outcome lies in the task's block, whose type is forgotten")]

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::cell::Outcome;
use super::failure::words;
use super::info::{Id, Info};
use super::join_error::JoinError;
use super::state::State;
use super::task::TaskRef;
use crate::util::budget;
use crate::util::contain::contain;
use crate::util::leave::leave;

/// Awaits a task, or cancels it.
///
/// Dropping the handle detaches the task. An error or a panic that nobody awaited is reported to the
/// loop's exception handler, once, when the task has ended and its handle is dropped. Errors are
/// the `Err` of those `Result`s that [`report_errors`](JoinHandle::report_errors) names, and of any where
/// that was called.
///
/// ```
/// ringio::run(async {
///     let task = ringio::spawn(async { "done" });
///     assert!(!task.is_finished());
///     assert_eq!(task.await.unwrap(), "done");
/// });
/// ```
///
/// # Errors
/// Awaiting it gives [`JoinError::Cancelled`] for a task that was cancelled or whose loop ended,
/// and [`JoinError::Panicked`] for one that panicked.
///
/// # Panics
/// When it is polled again after it gave the outcome.
///
/// # Cancel safety
/// Awaiting `&mut handle` loses nothing when it is dropped: await it again.
#[doc(alias = "Task")]
pub struct JoinHandle<T> {
    task: TaskRef,
    _output: PhantomData<T>,
}

impl<T> Unpin for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    /// The task's value is a `T`, it is marked as joined, and this is its only handle.
    pub(super) unsafe fn new(task: TaskRef) -> Self {
        JoinHandle { task, _output: PhantomData }
    }

    /// Asks the task to end; false if it has finished.
    ///
    /// The request is delivered on the task's next turn, not on the caller's stack: the clean-ups
    /// that [`on_cancel`](crate::on_cancel) has registered within it run, if there are any, then its
    /// future is dropped and awaiting it gives [`JoinError::Cancelled`]. A task that has not started
    /// never does. A result that becomes ready before that turn wins, with clean-ups also one of that
    /// turn. Asking twice is asking once. Of a task that has finished an error is not reported after
    /// this: whoever asks it to end wants nothing of it. (A panic is.)
    ///
    /// ```
    /// ringio::run(async {
    ///     let task = ringio::spawn(std::future::pending::<()>());
    ///     assert!(task.cancel());
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// Whether the outcome is there, so that awaiting it is immediate.
    #[doc(alias = "done")]
    pub fn is_finished(&self) -> bool {
        self.task.state().contains(State::DONE)
    }

    /// The task, unique in the process.
    ///
    /// ```
    /// ringio::run(async {
    ///     let task = ringio::spawn(async { ringio::task::current().unwrap().id() });
    ///     let id = task.id();
    ///     assert_eq!(task.await.unwrap(), id);
    /// });
    /// ```
    pub fn id(&self) -> Id {
        self.task.id()
    }

    /// The name that [`Builder::name`](super::Builder::name) gave it.
    ///
    /// ```
    /// ringio::run(async {
    ///     let task = ringio::task::Builder::new().name("poll").spawn(async {});
    ///     assert_eq!(task.name().as_deref(), Some("poll"));
    /// });
    /// ```
    #[doc(alias = "get_name")]
    pub fn name(&self) -> Option<Rc<str>> {
        self.task.name()
    }

    /// What can be told about the task.
    pub(crate) fn info(&self) -> Info {
        self.task.info()
    }

    /// Drops the future now, on the caller's stack; the outcome is `Cancelled` unless the task has
    /// finished. If the call comes out of the task's own poll, the future goes when that ends.
    pub(crate) fn drop_now(&self) {
        self.task.drop_now();
    }

    /// Waits until the task has finished, and leaves the outcome where it is.
    pub(crate) fn finished(&self) -> Finished<'_, T> {
        Finished(self)
    }

    /// Whether the task has ended with a panic, or with what is known to be an error, that nobody
    /// has taken.
    pub(crate) fn has_failed(&self) -> bool {
        if self.task.state() & (State::DONE | State::EMPTY) != State::DONE {
            return false;
        }
        // SAFETY: the outcome is there, and an `Outcome<T>`.
        let outcome = unsafe { self.task.outcome::<T>().as_ref() };
        match outcome {
            Ok(_) => self.task.failure().is_some(),
            Err(error) => error.is_panic(),
        }
    }

    /// Leaves the waker for the task's end, which is foreign code: the task may finish meanwhile.
    #[inline(never)]
    fn has_finished_while_joining(&self, cx: &Context<'_>) -> bool {
        let joiner = &self.task.header().joiner;
        if self.task.header().has_joiner() {
            leave(joiner, cx.waker());
        } else {
            let waker = cx.waker().clone();
            drop(joiner.replace(Some(waker)));
        }
        if self.is_finished() {
            // It has woken whom it found, and will wake no other.
            drop(joiner.take());
        }
        self.is_finished()
    }

    /// Moves the outcome of a finished task out.
    ///
    /// # Panics
    /// If it was moved out before.
    #[inline]
    fn take(&mut self) -> Outcome<T> {
        let empty = self.task.state().contains(State::EMPTY);
        assert!(!empty, "JoinHandle polled after it gave its outcome");
        // SAFETY: DONE, by the caller, not EMPTY, and the task of this handle gives a `T`.
        unsafe { self.task.take_outcome() }
    }
}

impl<T, E: fmt::Debug> JoinHandle<Result<T, E>> {
    /// Has an error reported that nobody has looked at, whatever its type: to the exception handler,
    /// once, as a panic would be.
    ///
    /// Without this, errors of a `Result<V, E>` are where `E` is [`io::Error`](std::io::Error),
    /// `Box<dyn Error>` (also `+ Send`, `+ Send + Sync`), `String`, `&'static str`, [`fmt::Error`] or
    /// [`JoinError`], and `V` is `()`, [`Infallible`](std::convert::Infallible), `bool`, `u64`, `usize`,
    /// `String` or `Vec<u8>`: what a function of any type may ask about a type is whether it is one
    /// that it knows.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    ///
    /// #[derive(Debug)]
    /// struct OutOfPaper;
    ///
    /// static SEEN: AtomicBool = AtomicBool::new(false);
    /// let builder = ringio::Runner::builder().exception_handler(|context| {
    ///     assert_eq!(context.message, "a task failed: OutOfPaper");
    ///     SEEN.store(true, Relaxed);
    /// });
    /// let print = async {
    ///     ringio::spawn(async { Err::<(), _>(OutOfPaper) }).report_errors();
    ///     ringio::yield_now().await;
    /// };
    /// builder.build()?.run(print).unwrap();
    /// assert!(SEEN.load(Relaxed));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn report_errors(self) -> Self {
        self.task.header().set_look(|task| {
            // SAFETY: this is called for this task only, whose output is of this type, and while the
            // outcome is there.
            let outcome = unsafe { task.outcome::<Result<T, E>>().as_ref() };
            let error = outcome.as_ref().ok()?.as_ref().err()?;
            Some(words(|| format!("{error:?}")))
        });
        self
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.is_finished() && !self.has_finished_while_joining(cx) {
            return Poll::Pending;
        }
        ready!(budget::spend(cx));
        Poll::Ready(self.take())
    }
}

/// Gives the handle when its task has finished.
pub(crate) struct Finished<'a, T>(&'a JoinHandle<T>);

impl<'a, T> Future for Finished<'a, T> {
    type Output = &'a JoinHandle<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0.is_finished() || self.0.has_finished_while_joining(cx) {
            Poll::Ready(self.0)
        } else {
            Poll::Pending
        }
    }
}

impl<T> Drop for Finished<'_, T> {
    fn drop(&mut self) {
        drop(self.0.task.header().joiner.take());
    }
}

impl<T> Drop for JoinHandle<T> {
    #[inline]
    fn drop(&mut self) {
        let state = self.task.state();
        match state.contains(State::DONE) {
            false if !self.task.header().has_joiner() => self.task.clear(State::JOINED),
            // There is neither a joiner nor an outcome.
            true if state.contains(State::EMPTY) => {}
            _ => self.detach(),
        }
    }
}

impl<T> JoinHandle<T> {
    #[inline(never)]
    fn detach(&mut self) {
        self.task.clear(State::JOINED);
        let joiner = self.task.header().joiner.take();
        if self.task.state() & (State::DONE | State::EMPTY) == State::DONE {
            self.task.discard();
        }
        if joiner.is_some() {
            contain(|| drop(joiner));
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("finished", &self.is_finished())
            .finish()
    }
}
