//! A connected stream socket: one descriptor, a receive side, a send side, and its end.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::rc::Rc;

use uring_sys_shim::Cqe;

use crate::driver::{Descriptor, Driver, Resume, Routing, Sink};

use super::close::Closing;
use super::receiver::Receiver;
use super::writer::Writer;

/// Which operation of a stream a completion belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Tag {
    Receive = 0,
    Send = 1,
    Shutdown = 2,
    Close = 3,
    /// The end of the receiving direction, whose result says nothing of use.
    ShutdownRead = 4,
    /// A poll of the receive side.
    Readable = 5,
    /// A poll of the send side.
    Writable = 6,
}

/// The transport of one connection. Futures and halves share it by `Rc`; an operation in flight
/// keeps it alive through the driver's table.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(super) socket: Descriptor,
    pub(super) receiver: RefCell<Receiver>,
    pub(super) writer: RefCell<Writer>,
    pub(super) closing: Cell<Closing>,
}

// There are many connections, most of them idle.
const _: () = assert!(size_of::<Stream>() <= 136);

impl Stream {
    pub(crate) fn new(socket: Descriptor) -> Rc<Stream> {
        Rc::new(Stream {
            socket,
            receiver: RefCell::default(),
            writer: RefCell::default(),
            closing: Cell::default(),
        })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.socket.raw()
    }

    pub(crate) fn driver(&self) -> &Rc<Driver> {
        self.socket.driver()
    }

    /// A wait on a loop that is not running would never end.
    pub(crate) fn check_loop(&self) -> io::Result<()> {
        if !self.driver().is_open() {
            return Err(crate::driver::closed_error());
        }
        if !self.driver().is_current() {
            return Err(io::Error::other(
                "this socket belongs to another event loop: use it on the loop that made it, or \
                 move it with `into_std` and `from_std`",
            ));
        }
        Ok(())
    }

    /// As [`Stream::check_loop`], for what works on a loop that has ended too.
    pub(crate) fn check_place(&self) -> io::Result<()> {
        if self.driver().is_closed() { Ok(()) } else { self.check_loop() }
    }

    /// Drops what is queued and what is parked; every later call says `ConnectionAborted`.
    pub(crate) fn abort(&self) {
        let lost = self.writer.borrow_mut().fail(self.driver(), libc::ECONNABORTED);
        self.receiver.borrow_mut().abort(self.driver());
        self.stop();
        // Last, for their destructors may panic.
        drop(lost);
    }

    /// Asks the kernel to give back what is in flight.
    pub(super) fn stop(&self) {
        let receive = self.receiver.borrow_mut().stop();
        let send = self.writer.borrow_mut().stop();
        for key in receive.into_iter().chain(send) {
            self.driver().cancel(key);
        }
    }

    pub(super) fn sink(self: &Rc<Self>) -> Rc<dyn Sink> {
        self.clone()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Sink for Stream {
    fn complete(self: Rc<Self>, tag: u32, cqe: Cqe, routing: &mut Routing<'_>) {
        match tag {
            t if t == Tag::Receive as u32 => self.received(cqe, routing),
            t if t == Tag::Send as u32 => self.sent(cqe, routing),
            t if t == Tag::Shutdown as u32 => self.was_shut_down(cqe, routing),
            t if t == Tag::Close as u32 => self.closed(cqe, routing),
            t if t == Tag::Readable as u32 => self.became_readable(cqe, routing),
            t if t == Tag::Writable as u32 => self.became_writable(cqe, routing),
            _ => self.reading_was_shut_down(routing),
        }
        self.go_on_closing();
    }

    fn resume(self: Rc<Self>, how: Resume, routing: &mut Routing<'_>) {
        self.resume_receiving(how, routing);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.receiver.get_mut().ahead.clear(self.socket.driver());
    }
}
