//! Bulk: what a socket has received goes to another one without leaving the kernel, through a pipe.
//!
//! The calls of splice(2) are direct ones, which wait for nothing: the ring says when a socket is
//! ready (`IORING_OP_SPLICE` would go through the kernel's worker threads). Bytes in a pipe are a
//! write of the other socket from the moment they are there, in its queue like any other: whatever
//! becomes of the future that moves them, they are sent, or the connection ends.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use uring_sys_shim::{Cqe, sys};

use crate::driver::{Chunk, Routing};
use crate::op::poll;
use crate::util::budget;

use super::receiver::State;
use super::stream::{Stream, Tag};
use super::write_queue::{InFlight, Memory, Request};
use super::writer::Writer;

/// What became of an attempt to move bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spliced {
    /// So many bytes are a write now, with this number.
    Write { number: u64, len: usize },
    /// The stream has ended: the next read says how.
    Ended,
    /// It cannot be done, now or at all; a receive can.
    Refused,
}

impl Stream {
    /// Whether bytes could be moved through a pipe now.
    ///
    /// Unlike send operations splice(2) raises SIGPIPE.
    pub(crate) fn can_splice(&self) -> bool {
        sys::signal::ignores_sigpipe().unwrap_or(false)
            && matches!(self.driver().pipes().take(), Ok(Some(_)))
    }

    /// Waits for the next chunk that is parked (an empty one at the end of the stream), or until the
    /// socket itself can be read from: `None`. No receive is in flight then.
    pub(crate) fn poll_source(
        self: &Rc<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Chunk>>> {
        budget::limited(cx, |cx| self.poll_parked_or_readable(cx))
    }

    fn poll_parked_or_readable(
        self: &Rc<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Chunk>>> {
        if let Some(chunk) = self.take_parked() {
            return Poll::Ready(chunk.map(Some));
        }
        self.check_loop()?;
        if matches!(self.receiver.borrow().state, State::Readable) {
            if self.driver().pipes().are_spent() {
                // First come, first served: those who wait for a turn go on in their order.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.receiver.borrow_mut().state = State::Idle;
            return Poll::Ready(Ok(None));
        }
        self.register_reader(cx);
        let mut receiver = self.receiver.borrow_mut();
        let stop = match receiver.state {
            // Whoever stands in line and does not want a buffer any more is passed over.
            State::Idle | State::Starved(_) => {
                let (driver, tag) = (self.driver(), Tag::Readable as u32);
                let key = poll::once(driver, self.fd(), libc::POLLIN, self.sink(), tag)?;
                receiver.state = State::Poll { key, stopping: false };
                None
            }
            State::Poll { .. } | State::Readable => None,
            State::Group { .. } | State::Heap { .. } | State::Own(_) => receiver.stop(),
        };
        drop(receiver);
        if let Some(key) = stop {
            self.driver().cancel(key);
        }
        Poll::Pending
    }

    pub(super) fn became_readable(&self, cqe: Cqe, routing: &mut Routing<'_>) {
        let mut receiver = self.receiver.borrow_mut();
        receiver.state = if cqe.res > 0 { State::Readable } else { State::Idle };
        if cqe.res < 0 {
            receiver.note(cqe.res);
        }
        routing.wakes.take_from(&mut receiver.reader);
    }

    /// Moves what the socket has received, up to a pipe full, to the write queue of `to`. Nothing
    /// waits here, and no receive is in flight.
    ///
    /// # Errors
    /// That of `to`; then nothing was taken.
    pub(crate) fn splice_to(self: &Rc<Self>, to: &Rc<Stream>) -> io::Result<Spliced> {
        // What a receive had taken would come behind what is moved here.
        debug_assert!(matches!(self.receiver.borrow().state, State::Idle));
        if let Some(error) = to.writer.borrow().failed() {
            return Err(error);
        }
        let Ok(Some(mut pipe)) = self.driver().pipes().take() else {
            return Ok(Spliced::Refused);
        };
        match pipe.fill(self.fd()) {
            Ok(0) => {
                self.receiver.borrow_mut().eof = true;
                Ok(Spliced::Ended)
            }
            Ok(len) => {
                self.driver().counters().splices.add(1);
                let memory = Memory::Pipe(pipe);
                let number = to.admit(Request { memory, sent: 0, len, orphan: None })?;
                Ok(Spliced::Write { number, len })
            }
            Err(error) => match error.raw_os_error() {
                // Only a receive tells what it is. So it is with EAGAIN, for there was something:
                // before the mark of urgent data splice(2) stops, and a receive goes on.
                Some(
                    libc::EAGAIN
                    | libc::EINTR
                    | libc::EINVAL
                    | libc::ENOSYS
                    | libc::EPERM
                    | libc::EACCES
                    | libc::ENOMEM,
                )
                | None => Ok(Spliced::Refused),
                Some(errno) => {
                    self.receiver.borrow_mut().note(-errno);
                    Ok(Spliced::Ended)
                }
            },
        }
    }

    /// Empties the pipes at the head of the queue; `false` if that did not succeed at once: then the
    /// ring will say when to go on, or the connection has failed.
    pub(super) fn empty_pipes(self: &Rc<Self>, writer: &mut Writer) -> bool {
        while let Some(busy) = writer.busy.get_mut() {
            let left = busy.queue.len();
            let Some(Request { memory: Memory::Pipe(pipe), .. }) = busy.queue.front_mut() else {
                break;
            };
            let failure = match pipe.empty(self.fd()) {
                Ok(count) => {
                    writer.advance(count);
                    if writer.busy.get().is_some_and(|busy| busy.queue.len() < left) {
                        continue;
                    }
                    self.await_room(writer).err()
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.await_room(writer).err()
                }
                Err(error) => Some(error),
            };
            if let Some(error) = failure {
                let errno = error.raw_os_error().unwrap_or(libc::ECONNABORTED);
                let lost = writer.fail(self.driver(), errno);
                lost.into_iter().for_each(|buffer| self.driver().bury(buffer));
            }
            return false;
        }
        true
    }

    fn await_room(self: &Rc<Self>, writer: &mut Writer) -> io::Result<()> {
        let (driver, tag) = (self.driver(), Tag::Writable as u32);
        let key = poll::once(driver, self.fd(), libc::POLLOUT, self.sink(), tag)?;
        writer.busy.take(self.driver().shelf()).in_flight = Some(InFlight { key, stopping: false });
        Ok(())
    }

    /// There is room again; or there is an error, as it may come of a send.
    pub(super) fn became_writable(self: &Rc<Self>, cqe: Cqe, routing: &mut Routing<'_>) {
        self.sent(Cqe { res: cqe.res.min(0), ..cqe }, routing);
    }
}
