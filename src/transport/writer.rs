//! The send side of a stream: a queue of admitted writes, of which one send is in flight at most,
//! so that the bytes of two writes never interleave.
//!
//! # Safety
//! A request names memory of a buffer that a write future holds. Dropped, the future gives the
//! buffer to the request; forgotten, it leaks it. A request leaves the queue when all of it was
//! sent or the connection has failed, and only while no send is in flight.

#![allow(unsafe_code, reason = "sends a caller's memory")]

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uring_sys_shim::Cqe;

use crate::driver::{Linger, OpKey, Pipe, Routing};
use crate::op::{send, shutdown};

use super::stream::{Stream, Tag};

/// Writes are admitted while at most this many bytes are queued.
const HIGH_WATER: usize = 64 * 1024;

/// The send side.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) queue: VecDeque<Request>,
    /// Bytes in the queue.
    queued: usize,
    pub(super) in_flight: Option<InFlight>,
    /// Requests that have left the queue, completely sent: request `n` is done once this is
    /// above `n`.
    completed: u64,
    /// The connection's error. It stays, and ends every write.
    error: Option<i32>,
    ending: Ending,
    /// Waits for admission, for completion, for the shutdown, or for the queue to be empty.
    waiter: Option<Waker>,
    pieces: Option<Box<send::Pieces>>,
}

#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) key: OpKey,
    pub(super) stopping: bool,
}

/// One admitted write.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) memory: Memory,
    /// Bytes of it that are sent.
    pub(super) sent: usize,
    pub(super) len: usize,
    /// The buffer, once its future was dropped.
    pub(super) orphan: Option<Box<dyn Any>>,
}

/// Where the bytes of a write are.
#[derive(Debug)]
pub(crate) enum Memory {
    One(*const u8),
    Many(Box<[(*const u8, usize)]>),
    /// In the kernel already: no future has them, the transport alone.
    Pipe(Pipe),
}

/// Whether our direction of the connection goes on.
#[derive(Debug, Default)]
enum Ending {
    #[default]
    Open,
    /// FIN follows the last queued byte.
    Asked(#[expect(dead_code, reason = "held until the FIN is on its way")] Linger),
    InFlight,
    Done(i32),
}

impl Writer {
    /// Whether the kernel has nothing of this side.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.is_none() && !matches!(self.ending, Ending::InFlight)
    }

    /// Whether everything that was admitted is sent.
    fn is_flushed(&self) -> bool {
        self.queue.is_empty() && !matches!(self.ending, Ending::Asked(_))
    }

    /// The operation to cancel, if one is in flight that was not cancelled before.
    pub(super) fn stop(&mut self) -> Option<OpKey> {
        let in_flight = self.in_flight.as_mut()?;
        (!std::mem::replace(&mut in_flight.stopping, true)).then_some(in_flight.key)
    }

    /// Ends every queued write with an error. The buffers of dropped futures are given back.
    pub(super) fn fail(&mut self, errno: i32) -> Vec<Box<dyn Any>> {
        let errno = *self.error.get_or_insert(errno);
        if let Ending::Asked(_) = self.ending {
            // The loop need not wait for a FIN that is never sent.
            self.ending = Ending::Done(errno);
        }
        if self.in_flight.is_some() {
            return Vec::new();
        }
        self.queued = 0;
        self.queue.drain(..).filter_map(|request| request.orphan).collect()
    }

    pub(super) fn failed(&self) -> Option<io::Error> {
        match (self.error, &self.ending) {
            (Some(errno), _) => Some(io::Error::from_raw_os_error(errno)),
            (None, Ending::Open) => None,
            (None, _) => Some(io::Error::from_raw_os_error(libc::EPIPE)),
        }
    }

    /// The send that comes next: one piece, or several requests in one.
    fn next_send(&mut self) -> Option<(*const u8, usize)> {
        let first = self.queue.front()?;
        if let (Memory::One(start), 1) = (&first.memory, self.queue.len()) {
            return Some((start.wrapping_add(first.sent), first.len - first.sent));
        }
        let pieces = self.pieces.get_or_insert_default();
        pieces.clear();
        for request in &self.queue {
            if !request.add_to(pieces) {
                break;
            }
        }
        None
    }

    /// Takes `count` sent bytes off the queue; gives back the buffers of dropped futures.
    pub(super) fn advance(&mut self, mut count: usize) -> Vec<Box<dyn Any>> {
        let mut finished = Vec::new();
        self.queued -= count;
        while let Some(first) = self.queue.front_mut() {
            let left = first.len - first.sent;
            if count < left {
                first.sent += count;
                break;
            }
            count -= left;
            self.completed += 1;
            finished.extend(self.queue.pop_front().and_then(|request| request.orphan));
        }
        finished
    }
}

impl Request {
    /// Adds what is not yet sent; `false` if that did not fit.
    fn add_to(&self, pieces: &mut send::Pieces) -> bool {
        let mut skip = self.sent;
        let one;
        let all: &[(*const u8, usize)] = match &self.memory {
            Memory::One(start) => {
                one = [(*start, self.len)];
                &one
            }
            Memory::Many(pieces) => pieces,
            // It comes when those before it are sent.
            Memory::Pipe(_) => return false,
        };
        for &(start, len) in all {
            let skipped = skip.min(len);
            skip -= skipped;
            if len > skipped && !pieces.push(start.wrapping_add(skipped), len - skipped) {
                return false;
            }
        }
        true
    }
}

impl Stream {
    /// Admits a write, which from then on belongs to the transport; gives its number. Above the
    /// high-water mark it waits.
    ///
    /// # Safety
    /// The memory stays valid and unwritten until the write is done ([`Stream::poll_written`]
    /// gave `Ready`), or its buffer was given to [`Stream::abandon_write`], or forever.
    pub(super) unsafe fn poll_admit(
        self: &Rc<Self>,
        memory: &mut dyn FnMut() -> Memory,
        len: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<u64>> {
        self.check_loop()?;
        if let Some(error) = self.writer.borrow().failed() {
            return Poll::Ready(Err(error));
        }
        if self.writer.borrow().queued > HIGH_WATER {
            self.register_writer(cx);
            return Poll::Pending;
        }
        // The buffer is foreign code: nothing is borrowed meanwhile.
        let request = Request { memory: memory(), sent: 0, len, orphan: None };
        Poll::Ready(self.admit(request))
    }

    pub(super) fn admit(self: &Rc<Self>, request: Request) -> io::Result<u64> {
        let mut writer = self.writer.borrow_mut();
        let (number, len) = (writer.completed + writer.queue.len() as u64, request.len);
        if writer.queue.capacity() == 0 {
            // Most connections never queue a second write, and there are many connections.
            writer.queue.reserve_exact(1);
        }
        writer.queue.push_back(request);
        writer.queued += len;
        drop(writer);
        self.send_next().map(|()| number).inspect_err(|_| {
            // The caller keeps the buffer, so the queue must not name it.
            let mut writer = self.writer.borrow_mut();
            writer.queue.pop_back();
            writer.queued -= len;
        })
    }

    /// Waits until a write would be admitted, or refused, at its first poll.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_loop()?;
        {
            let writer = self.writer.borrow();
            if writer.queued <= HIGH_WATER || writer.failed().is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        self.register_writer(cx);
        Poll::Pending
    }

    /// Waits until an admitted write was sent.
    pub(crate) fn poll_written(&self, number: u64, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        {
            let writer = self.writer.borrow();
            if writer.completed > number {
                return Poll::Ready(Ok(()));
            }
            if let (Some(errno), None) = (writer.error, &writer.in_flight) {
                return Poll::Ready(Err(io::Error::from_raw_os_error(errno)));
            }
        }
        self.register_writer(cx);
        Poll::Pending
    }

    /// The future of an admitted write is dropped: the write goes on, with the buffer in the
    /// transport's hands.
    pub(super) fn abandon_write(&self, number: u64, buffer: Box<dyn Any>) {
        let mut writer = self.writer.borrow_mut();
        let completed = writer.completed;
        let request = number
            .checked_sub(completed)
            .and_then(|place| writer.queue.get_mut(usize::try_from(place).ok()?));
        let finished = match request {
            Some(request) => {
                request.orphan = Some(buffer);
                None
            }
            None => Some(buffer),
        };
        drop(writer);
        drop(finished);
    }

    fn register_writer(&self, cx: &Context<'_>) {
        match &self.writer.borrow().waiter {
            Some(waiter) if waiter.will_wake(cx.waker()) => return,
            _ => {}
        }
        // Cloning and dropping wakers is foreign code: nothing is borrowed meanwhile.
        let waker = cx.waker().clone();
        let before = self.writer.borrow_mut().waiter.replace(waker);
        drop(before);
    }

    /// Starts the next send, or the shutdown behind the last one.
    fn send_next(self: &Rc<Self>) -> io::Result<()> {
        let mut writer = self.writer.borrow_mut();
        let writer = &mut *writer;
        if writer.in_flight.is_some() || writer.error.is_some() {
            return Ok(());
        }
        let (driver, fd, tag) = (self.driver(), self.fd(), Tag::Send as u32);
        if !self.empty_pipes(writer) {
            return Ok(());
        }
        if writer.queue.is_empty() {
            if let Ending::Asked(_) = writer.ending {
                let tag = Tag::Shutdown as u32;
                shutdown::shutdown(driver, fd, Shutdown::Write, self.sink(), tag)?;
                writer.ending = Ending::InFlight;
            }
            return Ok(());
        }
        let key = match writer.next_send() {
            // SAFETY: the requests' memory stays until they leave the queue, see the preface.
            Some(piece) => unsafe { send::one(driver, fd, piece, self.sink(), tag) }?,
            None => {
                let pieces = writer.pieces.get_or_insert_default();
                // SAFETY: as above; the pieces are boxed, and filled only while nothing is sent.
                unsafe { send::vectored(driver, fd, pieces, self.sink(), tag) }?
            }
        };
        writer.in_flight = Some(InFlight { key, stopping: false });
        Ok(())
    }

    /// The send in flight has completed.
    pub(super) fn sent(self: &Rc<Self>, cqe: Cqe, routing: &mut Routing<'_>) {
        let finished = {
            let mut writer = self.writer.borrow_mut();
            writer.in_flight = None;
            match usize::try_from(cqe.res) {
                Ok(count) => {
                    let mut finished = writer.advance(count);
                    if let Some(errno) = writer.error {
                        finished.extend(writer.fail(errno));
                    }
                    finished
                }
                Err(_) => match -cqe.res {
                    // Cancelled without an error of the connection: the loop or socket ends.
                    libc::ECANCELED => writer.fail(libc::ECONNABORTED),
                    libc::EINTR | libc::EAGAIN => Vec::new(),
                    errno => writer.fail(errno),
                },
            }
        };
        finished.into_iter().for_each(|buffer| routing.driver.bury(buffer));
        if let Err(error) = self.send_next() {
            let errno = error.raw_os_error().unwrap_or(libc::ECONNABORTED);
            let lost = self.writer.borrow_mut().fail(errno);
            lost.into_iter().for_each(|buffer| routing.driver.bury(buffer));
        }
        routing.wakes.take_from(&mut self.writer.borrow_mut().waiter);
    }

    /// Ends our direction, behind the last admitted byte.
    pub(crate) fn ask_shutdown(self: &Rc<Self>) -> io::Result<()> {
        {
            let mut writer = self.writer.borrow_mut();
            if let Ending::Open = writer.ending {
                writer.ending = Ending::Asked(self.driver().linger());
            }
        }
        self.send_next()
    }

    /// Waits for the shutdown that was asked for.
    pub(crate) fn poll_shut_down(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        {
            let writer = self.writer.borrow();
            match (&writer.error, &writer.ending) {
                (_, Ending::Done(0)) => return Poll::Ready(Ok(())),
                (_, Ending::Done(errno)) | (Some(errno), _) => {
                    return Poll::Ready(Err(io::Error::from_raw_os_error(*errno)));
                }
                _ => {}
            }
        }
        self.check_loop()?;
        self.register_writer(cx);
        Poll::Pending
    }

    pub(super) fn was_shut_down(&self, cqe: Cqe, routing: &mut Routing<'_>) {
        let mut writer = self.writer.borrow_mut();
        writer.ending = Ending::Done(cqe.res.min(0).saturating_neg());
        routing.wakes.take_from(&mut writer.waiter);
    }

    /// Waits until everything that was admitted is sent, or is lost: then that is the error.
    pub(crate) fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        {
            let writer = self.writer.borrow();
            if let Some(errno) = writer.error {
                return Poll::Ready(Err(io::Error::from_raw_os_error(errno)));
            }
            if writer.is_flushed() {
                return Poll::Ready(Ok(()));
            }
        }
        self.check_loop()?;
        self.register_writer(cx);
        Poll::Pending
    }
}
