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

use super::core::{Driver, Life, Traffic};
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

impl Traffic {
    /// Puts an SQE into the queue, unless that is full or others wait for it. A ring that is
    /// closed takes everything.
    #[inline(always)]
    fn push(&mut self, sqe: &Sqe) -> bool {
        let Some(ring) = &mut self.ring else { return true };
        // SAFETY: the callers of `submit` and `submit_to` vouch for the memory; other SQEs name
        // none.
        self.backlog.is_empty() && unsafe { ring.push(sqe) }.is_ok()
    }
}

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
    pub(crate) unsafe fn submit(&self, sqe: impl Fn() -> Sqe, waker: Waker) -> io::Result<OpKey> {
        self.start(|| Slot::Waiting(Some(waker)), sqe)
    }

    /// Starts an operation, one-shot or multishot, whose completions go to `sink` under `tag`.
    ///
    /// # Errors
    /// When the loop is closing, or 2²⁴ operations are in flight.
    ///
    /// # Safety
    /// The memory that `sqe` names belongs to `sink` (which the table keeps alive) and stays
    /// valid, and exclusive where the kernel writes, until its final completion was delivered.
    #[inline(always)]
    pub(crate) unsafe fn submit_to(
        &self,
        sqe: Sqe,
        sink: Rc<dyn Sink>,
        tag: u32,
    ) -> io::Result<OpKey> {
        self.start(|| Slot::Routed(sink, tag), || sqe)
    }

    /// Starts an operation that names no memory and whose success nobody needs to hear of.
    pub(super) fn submit_unheard(&self, sqe: Sqe) {
        self.push(sqe.user_data(Kind::Ignore.user_data()).skip_success());
    }

    /// One borrow for the slot and the SQE. Both are made where they are to be, and an SQE that has
    /// to wait is made once more.
    #[inline(always)]
    fn start(&self, slot: impl FnOnce() -> Slot, sqe: impl Fn() -> Sqe) -> io::Result<OpKey> {
        if self.life.get() != Life::Open {
            return Err(closed_error());
        }
        let mut traffic = self.traffic.borrow_mut();
        let key = match traffic.ops.insert(slot) {
            Ok(key) => key,
            Err(slot) => {
                // What it holds, a waker for one, is dropped with nothing borrowed.
                drop(traffic);
                return Err(too_many(slot));
            }
        };
        let sqe = || sqe().user_data(key.user_data());
        self.stirred.set(true);
        if !traffic.push(&sqe()) {
            drop(traffic);
            self.push_late(sqe());
        }
        Ok(key)
    }

    /// Fetches the result of an operation, or leaves the waker with it.
    #[inline(always)]
    pub(crate) fn poll_op(&self, key: OpKey, cx: &mut Context<'_>) -> Poll<Completion> {
        let done = self.traffic.borrow_mut().ops.take_done(key);
        match done {
            Some(completion) => Poll::Ready(completion),
            None => self.leave_waker(key, cx),
        }
    }

    /// The operation goes on, and wakes this waker when it has completed.
    #[inline(never)]
    fn leave_waker<T>(&self, key: OpKey, cx: &mut Context<'_>) -> Poll<T> {
        match self.traffic.borrow_mut().ops.get_mut(key) {
            Some(Slot::Waiting(Some(waker))) if waker.will_wake(cx.waker()) => {
                return Poll::Pending;
            }
            _ => {}
        }
        // Cloning and dropping wakers is foreign code: the table is not borrowed meanwhile.
        let mut waker = Some(cx.waker().clone());
        if let Some(Slot::Waiting(slot)) = self.traffic.borrow_mut().ops.get_mut(key) {
            std::mem::swap(slot, &mut waker);
        }
        drop(waker);
        Poll::Pending
    }

    /// The future of an operation is gone: cancels it, and has `clean_up`, which owns the
    /// operation's memory, run after its final completion (now, if that has come).
    pub(crate) fn orphan(&self, key: OpKey, clean_up: Orphan) {
        let mut traffic = self.traffic.borrow_mut();
        match traffic.ops.get_mut(key) {
            Some(slot @ Slot::Waiting(_)) => {
                let waiting = std::mem::replace(slot, Slot::Orphaned(clean_up));
                drop(traffic);
                self.cancel(key);
                drop(waiting);
            }
            Some(&mut Slot::Done(completion)) => {
                traffic.ops.remove(key);
                drop(traffic);
                clean_up(completion);
            }
            _ => drop(traffic),
        }
    }

    /// Queues an SQE; it cannot be lost. With the queue full the kernel takes what is there, and
    /// if it cannot, the SQE waits in the backlog.
    pub(super) fn push(&self, sqe: Sqe) {
        self.stirred.set(true);
        let pushed = self.traffic.borrow_mut().push(&sqe);
        if !pushed {
            self.push_late(sqe);
        }
    }

    /// The queue is full, or others wait for it.
    #[cold]
    fn push_late(&self, sqe: Sqe) {
        let Traffic { ring, backlog, .. } = &mut *self.traffic.borrow_mut();
        let Some(ring) = ring else { return };
        let first = backlog.is_empty();
        self.counters.sq_full.add(1);
        // An error here (EBUSY, EAGAIN) means "reap first": the turn does, the SQE waits.
        if first && self.counted(ring.enter(Wait::Submit)).is_ok() {
            // SAFETY: as in `Traffic::push`.
            if unsafe { ring.push(&sqe) }.is_ok() {
                return;
            }
        }
        backlog.push_back(sqe);
    }

    fn drain_backlog(&self) {
        let Traffic { ring, backlog, .. } = &mut *self.traffic.borrow_mut();
        let Some(ring) = ring else { return };
        while let Some(sqe) = backlog.front() {
            // SAFETY: as in `Traffic::push`.
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
            self.push(poll.user_data(Kind::Doorbell.user_data()));
        }
        let is_behind = self.has_backlog() && self.catch_up()?;
        // With a backlog left the kernel wants its completions reaped before it takes more.
        self.enter_once(if is_behind { Wait::Poll } else { wait }).map(drop)
    }

    /// Submits the backlog, and says whether some of it is left.
    #[cold]
    fn catch_up(&self) -> io::Result<bool> {
        while self.has_backlog() {
            self.drain_backlog();
            if !self.has_backlog() || !self.enter_once(Wait::Submit)? {
                break;
            }
        }
        Ok(self.has_backlog())
    }

    /// `false` if the kernel asks for the completion queue to be emptied first.
    pub(super) fn enter_once(&self, wait: Wait) -> io::Result<bool> {
        let mut traffic = self.traffic.borrow_mut();
        let Some(ring) = traffic.ring.as_mut() else { return Ok(false) };
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
        let Traffic { ring, backlog, .. } = &*self.traffic.borrow();
        ring.as_ref().is_some_and(|ring| ring.unsubmitted() > 0) || !backlog.is_empty()
    }

    fn has_backlog(&self) -> bool {
        !self.traffic.borrow().backlog.is_empty()
    }

    /// The driver of the loop that runs on this thread, if it is this one.
    #[inline]
    pub(crate) fn is_current(self: &Rc<Self>) -> bool {
        current::is(self)
    }
}
