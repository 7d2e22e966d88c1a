//! The send side of a stream: a queue of admitted writes, of which one send is in flight at most,
//! so that the bytes of two writes never interleave.
//!
//! # Safety
//! A request names memory of a buffer that a write future holds. Dropped, the future gives the
//! buffer to the request; forgotten, it leaks it. A request leaves the queue when all of it was
//! sent or the connection has failed, and only while no send is in flight.

#![allow(unsafe_code, reason = "sends a caller's memory")]

use std::any::Any;
use std::io;
use std::net::Shutdown;
use std::num::NonZero;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uring_sys_shim::Cqe;

use crate::driver::{Driver, OpKey, Routing};
use crate::op::{send, shutdown};
use crate::util::Lent;

use super::stream::{Stream, Tag};
use super::write_queue::{Busy, InFlight, Memory, Request};

/// Writes are admitted while at most this many bytes are queued.
const HIGH_WATER: usize = 64 * 1024;

/// The error of a connection that has failed without saying why.
const NO_REASON: NonZero<i32> = NonZero::new(libc::ECONNABORTED).unwrap();

/// The send side.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// While it has anything to do.
    pub(super) busy: Lent<Busy>,
    /// Requests that have left the queue, completely sent: request `n` is done once this is
    /// above `n`.
    completed: u64,
    /// The connection's error. It stays, and ends every write.
    error: Option<NonZero<i32>>,
    ending: Ending,
}

/// Whether our direction of the connection goes on.
#[derive(Debug, Default)]
enum Ending {
    #[default]
    Open,
    /// FIN follows the last queued byte.
    Asked,
    InFlight,
    Done(i32),
}

impl Writer {
    /// Whether the kernel has nothing of this side.
    pub(super) fn is_quiet(&self) -> bool {
        !self.is_sending() && !matches!(self.ending, Ending::InFlight)
    }

    fn is_sending(&self) -> bool {
        self.busy.get().is_some_and(|busy| busy.in_flight.is_some())
    }

    /// Bytes in the queue.
    fn queued(&self) -> usize {
        self.busy.get().map_or(0, |busy| busy.queued)
    }

    /// Whether everything that was admitted is sent.
    fn is_flushed(&self) -> bool {
        let empty = self.busy.get().is_none_or(|busy| busy.queue.is_empty());
        empty && !matches!(self.ending, Ending::Asked)
    }

    /// Does without what it does not need any more.
    #[inline]
    pub(super) fn rest(&mut self, driver: &Driver) {
        if let Some(busy) = self.busy.get_mut()
            && busy.is_over()
        {
            busy.shrink();
            self.busy.give_back(driver.shelf());
        }
    }

    /// Whom to wake when something has ended.
    #[inline]
    pub(super) fn take_waiter(&mut self, driver: &Driver) -> Option<Waker> {
        let waiter = self.busy.get_mut()?.waiter.take();
        self.rest(driver);
        waiter
    }

    /// The operation to cancel, if one is in flight that was not cancelled before.
    pub(super) fn stop(&mut self) -> Option<OpKey> {
        let in_flight = self.busy.get_mut()?.in_flight.as_mut()?;
        (!std::mem::replace(&mut in_flight.stopping, true)).then_some(in_flight.key)
    }

    /// Ends every queued write with an error. The buffers of dropped futures are given back.
    pub(super) fn fail(&mut self, driver: &Driver, errno: i32) -> Vec<Box<dyn Any>> {
        let errno = *self.error.get_or_insert(NonZero::new(errno).unwrap_or(NO_REASON));
        let asked = matches!(self.ending, Ending::Asked);
        if asked {
            self.ending = Ending::Done(errno.get());
        }
        let Some(busy) = self.busy.get_mut() else { return Vec::new() };
        if asked {
            // The loop need not wait for a FIN that is never sent.
            busy.linger = None;
        }
        if busy.in_flight.is_some() {
            return Vec::new();
        }
        busy.queued = 0;
        let lost = busy.queue.drain(..).filter_map(|request| request.orphan).collect();
        self.rest(driver);
        lost
    }

    /// The connection's error.
    fn error(&self) -> Option<io::Error> {
        self.error.map(|errno| io::Error::from_raw_os_error(errno.get()))
    }

    /// Why nothing is admitted any more.
    pub(super) fn failed(&self) -> Option<io::Error> {
        let errno = match (self.error, &self.ending) {
            (Some(errno), _) => errno.get(),
            (None, Ending::Open) => return None,
            (None, _) => libc::EPIPE,
        };
        Some(io::Error::from_raw_os_error(errno))
    }

    /// Takes `count` sent bytes off the queue; gives back the buffers of dropped futures.
    pub(super) fn advance(&mut self, mut count: usize) -> Vec<Box<dyn Any>> {
        let mut finished = Vec::new();
        let Some(busy) = self.busy.get_mut() else { return finished };
        busy.queued -= count;
        while let Some(first) = busy.queue.front_mut() {
            let left = first.len - first.sent;
            if count < left {
                first.sent += count;
                break;
            }
            count -= left;
            self.completed += 1;
            finished.extend(busy.queue.pop_front().and_then(|request| request.orphan));
        }
        finished
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
        let writer = self.writer.borrow();
        if let Some(error) = writer.failed() {
            return Poll::Ready(Err(error));
        }
        let is_full = writer.queued() > HIGH_WATER;
        drop(writer);
        if is_full {
            self.register_writer(cx);
            return Poll::Pending;
        }
        // The buffer is foreign code: nothing is borrowed meanwhile.
        let request = Request { memory: memory(), sent: 0, len, orphan: None };
        Poll::Ready(self.admit(request))
    }

    pub(super) fn admit(self: &Rc<Self>, request: Request) -> io::Result<u64> {
        let mut writer = self.writer.borrow_mut();
        let completed = writer.completed;
        let busy = writer.busy.take(self.driver().shelf());
        let (number, len) = (completed + busy.queue.len() as u64, request.len);
        busy.queue.push_back(request);
        busy.queued += len;
        drop(writer);
        self.send_next().map(|()| number).inspect_err(|_| {
            // The caller keeps the buffer, so the queue must not name it.
            let mut writer = self.writer.borrow_mut();
            let busy = writer.busy.take(self.driver().shelf());
            busy.queue.pop_back();
            busy.queued -= len;
            writer.rest(self.driver());
        })
    }

    /// Waits until a write would be admitted, or refused, at its first poll.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_loop()?;
        {
            let writer = self.writer.borrow();
            if writer.queued() <= HIGH_WATER || writer.failed().is_some() {
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
            if let (Some(errno), false) = (writer.error, writer.is_sending()) {
                return Poll::Ready(Err(io::Error::from_raw_os_error(errno.get())));
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
            .and_then(|place| writer.busy.get_mut()?.queue.get_mut(usize::try_from(place).ok()?));
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

    /// Stores the waker of whoever waits for the send side.
    pub(super) fn register_writer(&self, cx: &Context<'_>) {
        match self.writer.borrow().busy.get().and_then(|busy| busy.waiter.as_ref()) {
            Some(waiter) if waiter.will_wake(cx.waker()) => return,
            _ => {}
        }
        // Cloning and dropping wakers is foreign code: nothing is borrowed meanwhile.
        let waker = cx.waker().clone();
        let before =
            self.writer.borrow_mut().busy.take(self.driver().shelf()).waiter.replace(waker);
        drop(before);
    }

    /// Starts the next send, or the shutdown behind the last one.
    fn send_next(self: &Rc<Self>) -> io::Result<()> {
        let mut writer = self.writer.borrow_mut();
        let writer = &mut *writer;
        if writer.is_sending() || writer.error.is_some() {
            return Ok(());
        }
        let (driver, fd, tag) = (self.driver(), self.fd(), Tag::Send as u32);
        if !self.empty_pipes(writer) {
            return Ok(());
        }
        let Some(busy) = writer.busy.get_mut() else { return Ok(()) };
        if busy.queue.is_empty() {
            if let Ending::Asked = writer.ending {
                let tag = Tag::Shutdown as u32;
                shutdown::shutdown(driver, fd, Shutdown::Write, self.sink(), tag)?;
                writer.ending = Ending::InFlight;
                busy.linger = None;
            }
            writer.rest(driver);
            return Ok(());
        }
        let key = match busy.next_send() {
            // SAFETY: the requests' memory stays until they leave the queue, see the preface.
            Some(piece) => unsafe { send::one(driver, fd, piece, self.sink(), tag) }?,
            None => {
                let pieces = busy.pieces.get_or_insert_default();
                // SAFETY: as above; the pieces are boxed, and filled only while nothing is sent.
                unsafe { send::vectored(driver, fd, pieces, self.sink(), tag) }?
            }
        };
        busy.in_flight = Some(InFlight { key, stopping: false });
        Ok(())
    }

    /// The send in flight has completed.
    pub(super) fn sent(self: &Rc<Self>, cqe: Cqe, routing: &mut Routing<'_>) {
        let finished = {
            let mut writer = self.writer.borrow_mut();
            if let Some(busy) = writer.busy.get_mut() {
                busy.in_flight = None;
            }
            let mut finished = match usize::try_from(cqe.res) {
                Ok(count) => writer.advance(count),
                Err(_) => match -cqe.res {
                    // Cancelled without an error of the connection: the loop or socket ends.
                    libc::ECANCELED => writer.fail(routing.driver, libc::ECONNABORTED),
                    libc::EINTR | libc::EAGAIN => Vec::new(),
                    errno => writer.fail(routing.driver, errno),
                },
            };
            if let Some(errno) = writer.error {
                // It had failed before: nothing is in flight any more that kept the queue.
                finished.extend(writer.fail(routing.driver, errno.get()));
            }
            finished
        };
        finished.into_iter().for_each(|buffer| routing.driver.bury(buffer));
        if let Err(error) = self.send_next() {
            let errno = error.raw_os_error().unwrap_or(libc::ECONNABORTED);
            let lost = self.writer.borrow_mut().fail(routing.driver, errno);
            lost.into_iter().for_each(|buffer| routing.driver.bury(buffer));
        }
        routing.wakes.take_from(&mut self.writer.borrow_mut().take_waiter(routing.driver));
    }

    /// Ends our direction, behind the last admitted byte.
    pub(crate) fn ask_shutdown(self: &Rc<Self>) -> io::Result<()> {
        {
            let mut writer = self.writer.borrow_mut();
            match (&writer.ending, writer.error) {
                (Ending::Open, None) => {
                    writer.ending = Ending::Asked;
                    writer.busy.take(self.driver().shelf()).linger = Some(self.driver().linger());
                }
                (Ending::Open, Some(errno)) => writer.ending = Ending::Done(errno.get()),
                _ => {}
            }
        }
        self.send_next()
    }

    /// Waits for the shutdown that was asked for.
    pub(crate) fn poll_shut_down(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        {
            let writer = self.writer.borrow();
            match (writer.error(), &writer.ending) {
                (_, Ending::Done(0)) => return Poll::Ready(Ok(())),
                (_, Ending::Done(errno)) => {
                    return Poll::Ready(Err(io::Error::from_raw_os_error(*errno)));
                }
                (Some(error), _) => return Poll::Ready(Err(error)),
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
        routing.wakes.take_from(&mut writer.take_waiter(routing.driver));
    }

    /// Waits until everything that was admitted is sent, or is lost: then that is the error.
    pub(crate) fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        {
            let writer = self.writer.borrow();
            if let Some(error) = writer.error() {
                return Poll::Ready(Err(error));
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
