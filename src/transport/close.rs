//! The end of a transport: its operations are cancelled by exact key and reaped, then the
//! descriptor is closed. Closing first would neither cancel them nor send FIN.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uring_sys_shim::Cqe;

use crate::driver::{Descriptor, Routing, Sink};
use crate::op::shutdown;
use crate::util::contain::contain;

use super::receiver::State;
use super::stream::{Stream, Tag};

/// How far the end has come.
#[derive(Debug, Default)]
pub(super) struct Closing {
    begun: bool,
    /// Somebody waits to hear that the descriptor is closed.
    heard: bool,
    /// What close(2) said, once it has.
    result: Option<i32>,
    waiter: Option<Waker>,
}

impl Closing {
    pub(super) fn begin(&mut self, heard: bool) {
        self.begun = true;
        self.heard = heard;
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Closes the descriptor; the owner has made sure that nothing is in flight. Gives whom to
    /// wake if there will be no completion that does.
    #[must_use]
    pub(super) fn close(
        &mut self,
        socket: &Descriptor,
        sink: Rc<dyn Sink>,
        tag: u32,
    ) -> Option<Waker> {
        let fd = socket.release()?;
        let driver = socket.driver();
        if !self.heard || !driver.is_open() {
            driver.close_descriptor(fd);
            self.result = Some(0);
        } else if shutdown::close(driver, fd, sink, tag).is_err() {
            // It was closed on the way.
            self.result = Some(0);
        }
        if self.result.is_some() { self.waiter.take() } else { None }
    }

    pub(super) fn closed(&mut self, cqe: Cqe, routing: &mut Routing<'_>) {
        self.result = Some(cqe.res);
        routing.wakes.take_from(&mut self.waiter);
    }

    fn result(&self) -> Option<io::Result<()>> {
        self.result.map(|res| match res {
            res if res < 0 => Err(io::Error::from_raw_os_error(-res)),
            _ => Ok(()),
        })
    }
}

/// Waits until the descriptor is closed, on the loop that closes it.
pub(super) fn poll_closed(
    closing: &RefCell<Closing>,
    check_loop: impl FnOnce() -> io::Result<()>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    if let Some(result) = closing.borrow().result() {
        return Poll::Ready(result);
    }
    check_loop()?;
    let waker = cx.waker().clone();
    let before = closing.borrow_mut().waiter.replace(waker);
    drop(before);
    Poll::Pending
}

impl Stream {
    /// Stops both sides at once; the descriptor is closed when the kernel has given everything
    /// back. Bytes that were received and not read are dropped, and so are queued writes.
    pub(crate) fn begin_close(self: &Rc<Self>, heard: bool) {
        self.closing.borrow_mut().begin(heard);
        let lost = self.writer.borrow_mut().fail(libc::ECONNABORTED);
        self.stop();
        self.go_on_closing();
        // Last, for their destructors may panic.
        drop(lost);
    }

    /// Whether the end has begun, or the descriptor was given away.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing.borrow().has_begun() || self.fd() < 0
    }

    /// Closes the descriptor if the end has begun and nothing is in flight any more.
    pub(super) fn go_on_closing(self: &Rc<Self>) {
        if !self.closing.borrow().has_begun() {
            return;
        }
        let quiet = self.receiver.borrow().is_quiet() && self.writer.borrow().is_quiet();
        if quiet || self.driver().is_closed() {
            let tag = Tag::Close as u32;
            let waiter = self.closing.borrow_mut().close(&self.socket, self.sink(), tag);
            waiter.into_iter().for_each(|waiter| contain(|| waiter.wake()));
        }
    }

    pub(super) fn closed(&self, cqe: Cqe, routing: &mut Routing<'_>) {
        self.closing.borrow_mut().closed(cqe, routing);
    }

    /// Waits until the descriptor is closed.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_closed(&self.closing, || self.check_loop(), cx)
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
                return Poll::Ready(Err(io::Error::from_raw_os_error(errno)));
            }
            receiver.state = State::Idle;
            let fd = self.socket.release().ok_or_else(crate::driver::closed_error)?;
            return Poll::Ready(Ok((fd, receiver.ahead.take_all())));
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
