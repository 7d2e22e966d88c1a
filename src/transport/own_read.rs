//! Receiving into a caller's memory.
//!
//! # Safety
//! An [`Own`] names memory of a buffer that a [`ReadInto`](super::ReadInto) future holds. Dropped,
//! the future gives the buffer to the `Own`; forgotten, it leaks it. Either way the memory is
//! there until the final completion, and until the receiver has left `State::Own`. Reads take the
//! stream exclusively, so a read that meets an `Own` which is not its own and was not abandoned
//! knows that the other future was forgotten.

#![allow(unsafe_code, reason = "receives into a caller's memory")]

use std::any::Any;
use std::io;
use std::num::NonZero;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::driver::{Chunk, Driver, OpKey, Routing};
use crate::op::recv;
use crate::util::budget;

use super::receiver::{Receiver, State};
use super::stream::{Stream, Tag};

/// A receive into a caller's memory, in flight or done.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) key: OpKey,
    target: *mut u8,
    /// How many bytes came, until the future fetches them.
    pub(super) received: Option<NonZero<u32>>,
    /// The buffer, once its future was dropped. That is rare, so it takes one pointer.
    pub(super) orphan: Option<Box<Box<dyn Any>>>,
    pub(super) stopping: bool,
}

/// A `read(buf)` of at least this many bytes ends a multishot, to let the kernel fill `buf`
/// itself; smaller ones are copied from its chunks.
const WORTH_STOPPING: usize = 16 * 1024;

impl Stream {
    /// Waits for bytes in the caller's own memory. `mine` says, and is kept up to date, whether
    /// the receive in flight is the caller's.
    ///
    /// # Safety
    /// As many bytes as `memory` says, from its address, are valid for writes. While `mine` is set
    /// they stay so, untouched and the same, or until the memory was given to
    /// [`Stream::abandon_read`].
    pub(super) unsafe fn poll_read(
        self: &Rc<Self>,
        memory: (*mut u8, usize),
        mine: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        // SAFETY: passed on to the caller.
        budget::limited(cx, |cx| unsafe { self.poll_bytes(memory, mine, cx) })
    }

    /// # Safety
    /// As [`Stream::poll_read`].
    unsafe fn poll_bytes(
        self: &Rc<Self>,
        (target, room): (*mut u8, usize),
        mine: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if room == 0 && !*mine {
            return Poll::Ready(Ok(0));
        }
        if !*mine {
            self.settle_forgotten_read();
        }
        // SAFETY: passed on to the caller.
        if let Some(result) = unsafe { self.read_now((target, room), mine) } {
            return Poll::Ready(result);
        }
        // An error gives the caller its buffer back, so there is none while the kernel has it.
        if !*mine {
            self.check_loop()?;
        }
        self.register_reader(cx);
        if self.receiver.borrow().is_free() {
            // SAFETY: passed on to the caller.
            unsafe { self.arm_own((target, room)) }?;
            *mine = true;
            return Poll::Pending;
        }
        let mut receiver = self.receiver.borrow_mut();
        let worth = matches!(receiver.state, State::Group { .. }) && room >= WORTH_STOPPING;
        let stop = if worth { receiver.stop() } else { None };
        drop(receiver);
        if let Some(key) = stop {
            self.driver().cancel(key);
        }
        Poll::Pending
    }

    /// What can be had without waiting.
    ///
    /// # Safety
    /// As [`Stream::poll_read`].
    unsafe fn read_now(
        &self,
        (target, room): (*mut u8, usize),
        mine: &mut bool,
    ) -> Option<io::Result<usize>> {
        let mut receiver = self.receiver.borrow_mut();
        if let State::Own(own) = &receiver.state {
            let received = own.received.filter(|_| *mine)?;
            receiver.state = State::Idle;
            *mine = false;
            return Some(Ok(received.get() as usize));
        }
        *mine = false;
        if !receiver.ahead.is_empty() {
            // SAFETY: valid by the caller's word, and the kernel does not have it: no receive of
            // the caller's is in flight.
            let target = unsafe { std::slice::from_raw_parts_mut(target.cast(), room) };
            return Some(Ok(receiver.ahead.copy_to(self.driver(), target)));
        }
        receiver.ended().map(|ended| ended.map(|()| 0))
    }

    /// # Safety
    /// As [`Stream::poll_read`].
    unsafe fn arm_own(self: &Rc<Self>, memory: (*mut u8, usize)) -> io::Result<()> {
        let (sink, tag) = (self.sink(), Tag::Receive as u32);
        // SAFETY: the caller keeps the memory, see the preface; `self` is the sink.
        let key = unsafe { recv::into_memory(self.driver(), self.fd(), memory, sink, tag) }?;
        self.receiver.borrow_mut().state = State::Own(Own {
            key,
            target: memory.0,
            received: None,
            orphan: None,
            stopping: false,
        });
        Ok(())
    }

    /// The future that receives into `buffer` is dropped: it is cancelled, and what has arrived,
    /// or still arrives, is parked.
    pub(super) fn abandon_read(&self, buffer: Box<dyn Any>) {
        let mut receiver = self.receiver.borrow_mut();
        let State::Own(own) = &mut receiver.state else {
            // It ended without bytes.
            drop(receiver);
            return drop(buffer);
        };
        if own.received.is_some() {
            receiver.park_own(self.driver());
            drop(receiver);
            return drop(buffer);
        }
        own.orphan = Some(Box::new(buffer));
        let stop = receiver.stop();
        drop(receiver);
        if let Some(key) = stop {
            self.driver().cancel(key);
        }
    }

    /// A reader meets the receive of a future that was forgotten: its bytes are parked, once they
    /// are there.
    pub(super) fn settle_forgotten_read(&self) {
        let mut receiver = self.receiver.borrow_mut();
        let State::Own(own) = &receiver.state else { return };
        if own.orphan.is_some() {
            return;
        }
        if own.received.is_some() {
            receiver.park_own(self.driver());
            return;
        }
        let stop = receiver.stop();
        drop(receiver);
        if let Some(key) = stop {
            self.driver().cancel(key);
        }
    }
}

impl Receiver {
    /// The receive into a caller's memory has ended.
    pub(super) fn own_received(&mut self, res: i32, routing: &mut Routing<'_>) {
        let State::Own(own) = &mut self.state else { return };
        let orphan = own.orphan.take();
        own.received = u32::try_from(res).ok().and_then(NonZero::new);
        if own.received.is_none() {
            self.state = State::Idle;
        } else if orphan.is_some() {
            self.park_own(routing.driver);
        }
        orphan.into_iter().for_each(|buffer| routing.driver.bury(*buffer));
    }

    /// Copies what was received into somebody's memory to the read-ahead; the state is Idle then.
    fn park_own(&mut self, driver: &Driver) {
        let State::Own(own) = std::mem::take(&mut self.state) else { return };
        let count = own.received.map_or(0, NonZero::get) as usize;
        // SAFETY: the kernel has written `count` bytes at `target`, and the buffer is in
        // `orphan`, in the hands of the caller, or leaked: in each case alive and not written.
        let bytes = unsafe { std::slice::from_raw_parts(own.target, count) };
        self.park(driver, Chunk::copy_of(bytes));
    }
}
