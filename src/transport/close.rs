//! The end of a transport: its operations are cancelled by exact key and reaped, then the
//! descriptor is closed. Closing first would neither cancel them nor send FIN.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Context, Poll};

use uring_sys_shim::Cqe;

use crate::driver::{Descriptor, Routing, Sink};
use crate::op::shutdown;
use crate::util::contain::contain;

use super::receiver::State;
use super::stream::{Stream, Tag};

/// How far the end has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Closing {
    #[default]
    Open,
    /// What is in flight is taken back, then the descriptor is closed.
    Begun {
        /// Somebody waits to hear that it is.
        heard: bool,
    },
    /// That is what close(2) said.
    Closed(i32),
}

impl Closing {
    pub(super) fn begin(&mut self, heard: bool) {
        if !matches!(self, Closing::Closed(_)) {
            *self = Closing::Begun { heard };
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        !matches!(self, Closing::Open)
    }

    /// Closes the descriptor; the owner has made sure that nothing is in flight. `true` if it is
    /// closed: no completion will say so then.
    #[must_use]
    pub(super) fn close(&mut self, socket: &Descriptor, sink: Rc<dyn Sink>, tag: u32) -> bool {
        let Closing::Begun { heard } = *self else { return false };
        let Some(fd) = socket.release() else { return false };
        let driver = socket.driver();
        if !heard || !driver.is_open() {
            driver.close_descriptor(fd);
            *self = Closing::Closed(0);
        } else if shutdown::close(driver, fd, sink, tag).is_err() {
            // It was closed on the way.
            *self = Closing::Closed(0);
        }
        matches!(self, Closing::Closed(_))
    }

    pub(super) fn result(&self) -> Option<io::Result<()>> {
        match *self {
            Closing::Closed(res) if res < 0 => Some(Err(io::Error::from_raw_os_error(-res))),
            Closing::Closed(_) => Some(Ok(())),
            Closing::Open | Closing::Begun { .. } => None,
        }
    }
}

impl Stream {
    /// Stops both sides at once; the descriptor is closed when the kernel has given everything
    /// back. Bytes that were received and not read are dropped, and so are queued writes.
    pub(crate) fn begin_close(self: &Rc<Self>, heard: bool) {
        let mut closing = self.closing.get();
        closing.begin(heard);
        self.closing.set(closing);
        let lost = self.writer.borrow_mut().fail(self.driver(), libc::ECONNABORTED);
        self.stop();
        self.go_on_closing();
        // Last, for their destructors may panic.
        drop(lost);
    }

    /// Whether the end has begun, or the descriptor was given away.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing.get().has_begun() || self.fd() < 0
    }

    /// Closes the descriptor if the end has begun and nothing is in flight any more.
    pub(super) fn go_on_closing(self: &Rc<Self>) {
        let mut closing = self.closing.get();
        if !closing.has_begun() {
            return;
        }
        let quiet = self.receiver.borrow().is_quiet() && self.writer.borrow().is_quiet();
        if quiet || self.driver().is_closed() {
            let tag = Tag::Close as u32;
            let closed = closing.close(&self.socket, self.sink(), tag);
            self.closing.set(closing);
            let waiter =
                if closed { self.writer.borrow_mut().take_waiter(self.driver()) } else { None };
            waiter.into_iter().for_each(|waiter| contain(|| waiter.wake()));
        }
    }

    pub(super) fn closed(&self, cqe: Cqe, routing: &mut Routing<'_>) {
        self.closing.set(Closing::Closed(cqe.res));
        routing.wakes.take_from(&mut self.writer.borrow_mut().take_waiter(routing.driver));
    }

    /// Waits until the descriptor is closed.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(result) = self.closing.get().result() {
            return Poll::Ready(result);
        }
        self.check_loop()?;
        self.register_writer(cx);
        Poll::Pending
    }

    /// Waits until nothing is in flight, with the receive side stopped, and gives the descriptor
    /// away together with the bytes that were received and not read.
    ///
    /// The future of this is the socket's only user.
    pub(crate) fn poll_release(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(OwnedFd, Vec<u8>)>> {
        self.settle_forgotten_read();
        let stop = self.receiver.borrow_mut().stop();
        if let Some(key) = stop {
            self.driver().cancel(key);
        }
        let mut receiver = self.receiver.borrow_mut();
        if receiver.is_quiet() && self.writer.borrow().is_quiet() {
            if let Some(errno) = receiver.error {
                return Poll::Ready(Err(io::Error::from_raw_os_error(errno.get())));
            }
            receiver.state = State::Idle;
            let fd = self.socket.release().ok_or_else(crate::driver::closed_error)?;
            return Poll::Ready(Ok((fd, receiver.ahead.take_all(self.driver()))));
        }
        drop(receiver);
        self.check_loop()?;
        self.register_reader(cx);
        if self.poll_flushed(cx).is_ready() && !self.writer.borrow().is_quiet() {
            // A shutdown is in flight: its completion wakes the same waiter.
            let _ = self.poll_shut_down(cx);
        }
        Poll::Pending
    }
}
