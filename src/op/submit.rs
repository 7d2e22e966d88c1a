//! [`Operation`]: what a one-shot operation is; [`Submit`]: its future.
//!
//! # Safety
//! `Submit` owns the operation, and with it the memory that the SQE names, from its first poll to
//! the completion. Dropped in flight it moves the operation into the driver's table, where it
//! stays until the final completion; forgotten, it leaks it. Either way the kernel's memory stays.

#![allow(unsafe_code, reason = "hands an operation's memory to the kernel")]

use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use uring_sys_shim::Sqe;

use crate::driver::{self, Completion, Driver, OpKey};

/// A one-shot operation.
///
/// # Safety
/// The memory that the SQE of [`prepare`](Operation::prepare) names is owned by `self`, does not
/// move when `self` does, and is not touched by `self` until `complete` or `orphan` is called.
pub(crate) unsafe trait Operation: 'static {
    /// What the future gives.
    type Output;

    /// The SQE, the same whenever it is asked for; its `user_data` is filled in by the driver.
    fn prepare(&self) -> Sqe;

    /// The operation has completed.
    fn complete(self, result: io::Result<u32>) -> io::Result<Self::Output>;

    /// The operation has completed, and its future is gone: what came of it is closed, not leaked.
    fn orphan(self, result: io::Result<u32>)
    where
        Self: Sized,
    {
        drop(self.complete(result));
    }
}

/// The future of an [`Operation`]. Nothing happens before its first poll.
///
/// # Cancel safety
/// Dropping it cancels the operation. Its result goes to [`Operation::orphan`].
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Submit<T: Operation> {
    driver: Rc<Driver>,
    state: State<T>,
}

enum State<T> {
    /// It was not polled.
    Fresh(T),
    InFlight(T, OpKey),
    /// It has ended, or could not begin.
    Over,
}

impl<T: Operation> Submit<T> {
    pub(crate) fn new(driver: &Rc<Driver>, operation: T) -> Submit<T> {
        Submit { driver: driver.clone(), state: State::Fresh(operation) }
    }

    /// Starts an operation on the loop that runs on this thread: this is its first poll.
    #[inline(always)]
    pub(crate) fn begin(operation: T, waker: &Waker) -> io::Result<Submit<T>> {
        let driver = driver::current::expect()?;
        let state = State::start(&driver, operation, waker)?;
        Ok(Submit { driver, state })
    }
}

impl<T: Operation> State<T> {
    #[inline(always)]
    fn start(driver: &Driver, operation: T, waker: &Waker) -> io::Result<State<T>> {
        // SAFETY: `Operation` promises stable memory that `operation` owns; `Submit` keeps it until
        // the result was fetched, or gives it to the clean-up in `drop`.
        let key = unsafe { driver.submit(|| operation.prepare(), waker.clone()) }?;
        Ok(State::InFlight(operation, key))
    }
}

#[cold]
fn elsewhere() -> io::Error {
    io::Error::other(
        "this operation belongs to another event loop: await it on the loop that made it",
    )
}

#[cold]
fn polled_too_often() -> ! {
    panic!("an operation is polled until it is done");
}

// The operation is never pinned: its kernel-visible memory does not move with it.
impl<T: Operation> Unpin for Submit<T> {}

impl<T: Operation> Future for Submit<T> {
    type Output = io::Result<T::Output>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let State::InFlight(_, key) = self.state else { return self.first_poll(cx) };
        let completion = ready!(self.driver.poll_op(key, cx));
        match mem::replace(&mut self.state, State::Over) {
            State::InFlight(operation, _) => Poll::Ready(operation.complete(result_of(completion))),
            _ => polled_too_often(),
        }
    }
}

impl<T: Operation> Drop for Submit<T> {
    fn drop(&mut self) {
        if matches!(self.state, State::InFlight(..)) {
            self.abandon();
        }
    }
}

impl<T: Operation> Submit<T> {
    /// The first one, unless there was one too many.
    fn first_poll<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        if !self.driver.is_current() {
            return Poll::Ready(Err(elsewhere()));
        }
        let State::Fresh(operation) = mem::replace(&mut self.state, State::Over) else {
            polled_too_often()
        };
        self.state = State::start(&self.driver, operation, cx.waker())?;
        Poll::Pending
    }

    #[cold]
    fn abandon(&mut self) {
        if let State::InFlight(operation, key) = mem::replace(&mut self.state, State::Over) {
            let clean_up = move |completion| operation.orphan(result_of(completion));
            self.driver.orphan(key, Box::new(clean_up));
        }
    }
}

/// A completion's result as the standard library says it.
#[inline]
pub(crate) fn result_of(completion: Completion) -> io::Result<u32> {
    u32::try_from(completion.res).map_err(|_| io::Error::from_raw_os_error(-completion.res))
}
