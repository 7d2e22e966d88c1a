//! From an SQE to the kernel.
//!
//! # Safety
//! An SQE names memory. [`Driver::submit`] and [`Driver::submit_to`] are unsafe to call: whoever
//! calls them owns that memory until the operation's final completion, also when the future that
//! started it is dropped or forgotten.

#![allow(unsafe_code, reason = "hands memory to the kernel")]

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uring_sys_shim::{Ring, Sqe, Wait, sqe};

use super::core::{Driver, Life};
use super::op_table::{Completion, Kind, OpKey, Orphan, Slot};
use super::{Sink, current};

/// The error of an operation on a loop that has ended.
#[cold]
pub(crate) fn closed_error() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, LoopEnded)
}

/// The error of an operation that finds the table full; what it brought is dropped.
#[cold]
fn too_many<T>(_: T) -> io::Error {
    io::Error::new(
        io::ErrorKind::OutOfMemory,
        "16,777,216 operations are in flight on this loop: wait for some, or use more loops",
    )
}

#[derive(Debug)]
struct LoopEnded;

impl std::fmt::Display for LoopEnded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the event loop that this object belongs to has ended")
    }
}

impl std::error::Error for LoopEnded {}

impl Driver {
    /// Starts an operation whose result a future fetches with [`Driver::poll_op`] when `waker` was
    /// woken.
    ///
    /// # Errors
    /// When the loop is closing, or 2²⁴ operations are in flight.
    ///
    /// # Safety
    /// The memory that `sqe` names stays valid, and exclusive where the kernel writes, until the
    /// result was fetched or the clean-up given to [`Driver::orphan`] has run. The operation
    /// completes once.
    #[inline(always)]
    pub(crate) unsafe fn submit(
        &self,
        sqe: impl Fn() -> Sqe,
        waker: Waker,
    ) -> io::Result<OpKey> {
        let key = self.claim(|| Slot::Waiting(Some(waker)))?;
        self.push(|| sqe().user_data(key.user_data()));
        Ok(key)
    }

    /// Starts an operation, one-shot or multishot, whose completions go to `sink` under `tag`.
    ///
    /// # Errors
    /// When the loop is closing, or 2²⁴ operations are in flight.
    ///
    /// # Safety
    /// The memory that `sqe` names belongs to `sink` (which the table keeps alive) and stays
    /// valid, and exclusive where the kernel writes, until its final completion was delivered.
    pub(crate) unsafe fn submit_to(
        &self,
        sqe: Sqe,
        sink: Rc<dyn Sink>,
        tag: u32,
    ) -> io::Result<OpKey> {
        let key = self.claim(|| Slot::Routed(sink, tag))?;
        self.push(|| sqe.user_data(key.user_data()));
        Ok(key)
    }

    /// Starts an operation that names no memory and whose success nobody needs to hear of.
    pub(super) fn submit_unheard(&self, sqe: Sqe) {
        self.push(|| sqe.user_data(Kind::Ignore.user_data()).skip_success());
    }

    #[inline(always)]
    fn claim(&self, make: impl FnOnce() -> Slot) -> io::Result<OpKey> {
        if self.life.get() != Life::Open {
            return Err(closed_error());
        }
        // What it cannot take, a waker for one, is dropped when the borrow has ended.
        let claimed = self.ops.borrow_mut().insert(make);
        claimed.map_err(too_many)
    }

    /// Fetches the result of an operation, or leaves the waker with it.
    #[inline(always)]
    pub(crate) fn poll_op(&self, key: OpKey, cx: &mut Context<'_>) -> Poll<Completion> {
        let done = self.ops.borrow_mut().take_done(key);
        match done {
            Some(completion) => Poll::Ready(completion),
            None => self.leave_waker(key, cx),
        }
    }

    /// The operation goes on, and wakes this waker when it has completed.
    #[inline(never)]
    fn leave_waker<T>(&self, key: OpKey, cx: &mut Context<'_>) -> Poll<T> {
        match self.ops.borrow_mut().get_mut(key) {
            Some(Slot::Waiting(Some(waker))) if waker.will_wake(cx.waker()) => {
                return Poll::Pending;
            }
            _ => {}
        }
        // Cloning and dropping wakers is foreign code: the table is not borrowed meanwhile.
        let mut waker = Some(cx.waker().clone());
        if let Some(Slot::Waiting(slot)) = self.ops.borrow_mut().get_mut(key) {
            std::mem::swap(slot, &mut waker);
        }
        drop(waker);
        Poll::Pending
    }

    /// The future of an operation is gone: cancels it, and has `clean_up`, which owns the
    /// operation's memory, run after its final completion (now, if that has come).
    pub(crate) fn orphan(&self, key: OpKey, clean_up: Orphan) {
        let mut ops = self.ops.borrow_mut();
        match ops.get_mut(key) {
            Some(slot @ Slot::Waiting(_)) => {
                let waiting = std::mem::replace(slot, Slot::Orphaned(clean_up));
                drop(ops);
                self.cancel(key);
                drop(waiting);
            }
            Some(&mut Slot::Done(completion)) => {
                ops.remove(key);
                drop(ops);
                clean_up(completion);
            }
            _ => drop(ops),
        }
    }

    /// Queues an SQE; it cannot be lost. With the queue full the kernel takes what is there, and
    /// if it cannot, the SQE waits in the backlog.
    #[inline(always)]
    pub(super) fn push(&self, sqe: impl Fn() -> Sqe) {
        self.stirred.set(true);
        if !self.push_at_once(&sqe()) {
            self.push_late(sqe());
        }
    }

    #[inline(always)]
    fn push_at_once(&self, sqe: &Sqe) -> bool {
        let mut ring = self.ring.borrow_mut();
        let Some(ring) = ring.as_mut() else { return true };
        // SAFETY: the callers of `submit` and `submit_to` vouch for the memory; other SQEs name
        // none.
        self.backlog.borrow().is_empty() && unsafe { ring.push(sqe) }.is_ok()
    }

    #[cold]
    fn push_late(&self, sqe: Sqe) {
        let mut backlog = self.backlog.borrow_mut();
        let mut ring = self.ring.borrow_mut();
        let Some(ring) = ring.as_mut() else { return };
        let first = backlog.is_empty();
        self.counters.sq_full.add(1);
        // An error here (EBUSY, EAGAIN) means "reap first": the turn does, the SQE waits.
        if first && self.counted(ring.enter(Wait::Submit)).is_ok() {
            // SAFETY: as above.
            if unsafe { ring.push(&sqe) }.is_ok() {
                return;
            }
        }
        backlog.push_back(sqe);
    }

    fn drain_backlog(&self) {
        let mut backlog = self.backlog.borrow_mut();
        let mut ring = self.ring.borrow_mut();
        let Some(ring) = ring.as_mut() else { return };
        while let Some(sqe) = backlog.front() {
            // SAFETY: as in `push`, which put it there.
            if unsafe { ring.push(sqe) }.is_err() {
                return;
            }
            backlog.pop_front();
        }
    }

    /// Enters the kernel: submits everything, the backlog too, then waits as told.
    ///
    /// # Errors
    /// What the kernel refuses for good; `EBUSY`, `EAGAIN` and `EINTR` are no errors here.
    pub(crate) fn enter(&self, wait: Wait) -> io::Result<()> {
        if self.doorbell_silent.get() && self.life.get() == Life::Open {
            self.doorbell_silent.set(false);
            let poll = sqe::poll_multi(self.unpark.doorbell(), libc::POLLIN as u32);
            self.push(|| poll.user_data(Kind::Doorbell.user_data()));
        }
        while !self.backlog.borrow().is_empty() {
            self.drain_backlog();
            if self.backlog.borrow().is_empty() || !self.enter_once(Wait::Submit)? {
                break;
            }
        }
        // With a backlog left the kernel wants its completions reaped before it takes more.
        let wait = if self.backlog.borrow().is_empty() { wait } else { Wait::Poll };
        self.enter_once(wait).map(drop)
    }

    /// `false` if the kernel asks for the completion queue to be emptied first.
    pub(super) fn enter_once(&self, wait: Wait) -> io::Result<bool> {
        let mut ring = self.ring.borrow_mut();
        let Some(ring) = ring.as_mut() else { return Ok(false) };
        // The ring knows better than to submit nothing.
        let calls = wait != Wait::Submit || ring.unsubmitted() > 0;
        let entered = ring.enter(wait);
        match if calls { self.counted(entered) } else { entered } {
            Ok(_) => Ok(true),
            Err(e) => match e.raw_os_error() {
                Some(libc::EBUSY | libc::EAGAIN | libc::EINTR) => Ok(false),
                _ => Err(e),
            },
        }
    }

    /// Counts a call of the kernel.
    #[inline]
    fn counted(&self, entered: io::Result<u32>) -> io::Result<u32> {
        self.counters.enters.add(1);
        self.counters.submissions.add(entered.as_ref().map_or(0, |&taken| u64::from(taken)));
        entered
    }

    /// Whether SQEs wait to be submitted.
    pub(crate) fn has_unsubmitted(&self) -> bool {
        let queued = self.ring.borrow().as_ref().is_some_and(|ring| ring.unsubmitted() > 0);
        queued || !self.backlog.borrow().is_empty()
    }

    /// The driver of the loop that runs on this thread, if it is this one.
    #[inline]
    pub(crate) fn is_current(self: &Rc<Self>) -> bool {
        current::is(self)
    }
}
