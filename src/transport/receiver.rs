//! The receive side of a stream: a state machine that owns the receive in flight.

use std::io;
use std::net::Shutdown;
use std::num::NonZero;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uring_sys_shim::Cqe;

use crate::driver::{Chunk, Driver, OpKey, ReadAhead, Resume, Routing, Turn};
use crate::op::{recv, shutdown};
use crate::util::budget;

use super::own_read::Own;
use super::stream::{Stream, Tag};

/// What is in flight.
///
/// ```text
///            recv()                 last CQE
///   Idle ───────────▶ Group ─────────────────────▶ Idle
///    │ ▲  no buffers    │ ENOBUFS
///    │ └───────────┐    ▼          resumed with buffers: Group
///    │             └ Starved ────▶ resumed without: Heap ── CQE ──▶ Idle
///    │ read(buf)            CQE                fetched by the future
///    ├───────────▶ Own ───────────▶ Own(received) ───────────────▶ Idle
///    │               └─ future dropped: cancelled ─ CQE: bytes parked ─▶ Idle
///    │ bulk              CQE               spliced, or any reader
///    └───────────▶ Poll ──────────▶ Readable ────────────────────▶ Idle
/// ```
/// Group is a multishot where the kernel bounds it by the credit, but for a connection's first bytes;
/// else it is one receive. Any last CQE leads to Idle, whatever it says; the reader's next poll arms
/// again.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Idle,
    Group {
        key: OpKey,
        stopping: bool,
        /// Since when it has stood in line for a buffer, until it has received something.
        in_line: Option<Turn>,
    },
    Heap {
        key: OpKey,
        stopping: bool,
    },
    Own(Own),
    /// It stands in line for a buffer, since then.
    Starved(Turn),
    /// Waits for the socket to be readable, for whoever takes the bytes without the ring.
    Poll {
        key: OpKey,
        stopping: bool,
    },
    /// It is readable, and nothing is in flight.
    Readable,
}

// There are many connections.
const _: () = assert!(size_of::<State>() <= 32);

/// The receive side.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    pub(super) state: State,
    pub(super) ahead: ReadAhead,
    /// Bytes have come.
    has_received: bool,
    /// The socket held more when the last receive had taken what is parked, or was.
    more: bool,
    /// The peer has ended its direction, behind what is parked.
    pub(super) eof: bool,
    /// The connection's error, behind what is parked. It stays.
    pub(super) error: Option<NonZero<i32>>,
    /// Shutdowns in flight: they name the descriptor.
    shutdowns: u32,
    pub(super) reader: Option<Waker>,
}

/// Receives once into this much heap memory while the pool is dry.
const HEAP_RECEIVE: usize = 16 * 1024;

impl Receiver {
    /// Whether the kernel has nothing of this side.
    pub(super) fn is_quiet(&self) -> bool {
        let received = match &self.state {
            State::Idle | State::Starved(_) | State::Readable => true,
            State::Own(own) => own.received.is_some(),
            State::Group { .. } | State::Heap { .. } | State::Poll { .. } => false,
        };
        received && self.shutdowns == 0
    }

    /// Whether a reader may arm the next receive.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.state, State::Idle | State::Readable)
    }

    /// What is known without receiving; `None`: go on.
    pub(super) fn ended(&self) -> Option<io::Result<()>> {
        match self.error {
            Some(errno) => Some(Err(io::Error::from_raw_os_error(errno.get()))),
            None if self.eof => Some(Ok(())),
            None => None,
        }
    }

    /// The operation to cancel, if one is in flight that was not cancelled before.
    pub(super) fn stop(&mut self) -> Option<OpKey> {
        let (key, stopping) = match &mut self.state {
            State::Group { key, stopping, .. }
            | State::Heap { key, stopping }
            | State::Poll { key, stopping } => (*key, stopping),
            State::Own(own) if own.received.is_none() => (own.key, &mut own.stopping),
            _ => return None,
        };
        (!std::mem::replace(stopping, true)).then_some(key)
    }

    /// Ends the receive side by our own will, and drops what was not read.
    pub(super) fn abort(&mut self, driver: &Driver) {
        self.fail(libc::ECONNABORTED);
        self.ahead.clear(driver);
    }

    fn fail(&mut self, errno: i32) {
        self.error = self.error.or(NonZero::new(errno));
    }

    /// Keeps received bytes for a reader. Behind an end that we made ourselves there is none.
    pub(super) fn park(&mut self, driver: &Driver, chunk: Chunk) {
        if self.ended().is_none() {
            self.ahead.push(driver, chunk);
        }
    }

    /// Takes in what a receive brought besides bytes.
    pub(super) fn note(&mut self, res: i32) {
        match -res {
            0 => self.eof = true,
            // It was stopped, or has to be armed again; no word about the connection.
            libc::ECANCELED | libc::EINTR | libc::EAGAIN | libc::ENOBUFS => {}
            errno if errno > 0 => self.fail(errno),
            _ => {}
        }
    }
}

impl Stream {
    /// Waits for received bytes: the next chunk, or an empty one at the end of the stream.
    pub(crate) fn poll_recv(self: &Rc<Self>, cx: &mut Context<'_>) -> Poll<io::Result<Chunk>> {
        budget::limited(cx, |cx| self.poll_chunk(cx))
    }

    fn poll_chunk(self: &Rc<Self>, cx: &mut Context<'_>) -> Poll<io::Result<Chunk>> {
        if let Some(chunk) = self.take_parked() {
            return Poll::Ready(chunk);
        }
        self.check_loop()?;
        self.register_reader(cx);
        if self.receiver.borrow().is_free() {
            // With always more to receive, whoever overtakes those in line does so for ever.
            if self.driver().has_starved() {
                self.stand_in_line(None);
            } else {
                self.arm_group(None)?;
            }
        }
        Poll::Pending
    }

    /// The next chunk that can be had without waiting; at the end of the stream an empty one.
    pub(super) fn take_parked(&self) -> Option<io::Result<Chunk>> {
        self.settle_forgotten_read();
        let mut receiver = self.receiver.borrow_mut();
        match receiver.ahead.pop(self.driver()) {
            Some(chunk) => Some(Ok(chunk)),
            None => receiver.ended().map(|ended| ended.map(|()| Chunk::empty())),
        }
    }

    /// Whether a reader's next bytes are there already.
    pub(crate) fn has_more(&self) -> bool {
        let receiver = self.receiver.borrow();
        receiver.more || !receiver.ahead.is_empty()
    }

    /// Bytes that were taken too early go back to the front.
    pub(super) fn put_back(&self, chunk: Chunk) {
        self.receiver.borrow_mut().ahead.put_back(self.driver(), chunk);
    }

    /// Stores the waker of whoever waits for the receive side.
    pub(super) fn register_reader(&self, cx: &Context<'_>) {
        match &self.receiver.borrow().reader {
            Some(reader) if reader.will_wake(cx.waker()) => return,
            _ => {}
        }
        // Cloning and dropping wakers is foreign code: nothing is borrowed meanwhile.
        let waker = cx.waker().clone();
        let before = self.receiver.borrow_mut().reader.replace(waker);
        drop(before);
    }

    /// Lets the kernel fill buffers of the pool; with none left, waits in line for one, in which it
    /// may have stood before.
    fn arm_group(self: &Rc<Self>, in_line: Option<Turn>) -> io::Result<()> {
        if !self.driver().has_buffers() {
            self.stand_in_line(in_line);
            return Ok(());
        }
        let mut receiver = self.receiver.borrow_mut();
        // Many connections bring one request, and to end a multishot takes a cancellation.
        let on_and_on = receiver.has_received;
        let (sink, tag) = (self.sink(), Tag::Receive as u32);
        let key = recv::into_group(self.driver(), self.fd(), on_and_on, sink, tag)?;
        receiver.state = State::Group { key, stopping: false, in_line };
        Ok(())
    }

    fn stand_in_line(self: &Rc<Self>, before: Option<Turn>) {
        let since = self.driver().starve(self.sink(), before);
        self.receiver.borrow_mut().state = State::Starved(since);
    }

    /// The pool was dry for many turns: one receive into heap memory.
    fn arm_heap(self: &Rc<Self>) -> io::Result<()> {
        let stream = self.clone();
        let then = Box::new(move |chunk: Chunk, cqe: Cqe, routing: &mut Routing<'_>| {
            stream.take_in(Some(chunk).filter(|chunk| !chunk.is_empty()), cqe, routing);
            stream.go_on_closing();
        });
        let key = recv::into_heap(self.driver(), self.fd(), HEAP_RECEIVE, then)?;
        self.driver().counters().heap_receives.add(1);
        self.receiver.borrow_mut().state = State::Heap { key, stopping: false };
        Ok(())
    }

    /// A completion of the receive in flight.
    pub(super) fn received(self: &Rc<Self>, cqe: Cqe, routing: &mut Routing<'_>) {
        let count = u32::try_from(cqe.res).unwrap_or(0);
        let pool = routing.driver.pool();
        let chunk = cqe.buffer().and_then(|bid| pool.take(bid, count, cqe.buffer_more()));
        self.take_in(chunk, cqe, routing);
    }

    /// Parks what came, notes what else the completion says, and wakes the reader.
    fn take_in(self: &Rc<Self>, chunk: Option<Chunk>, cqe: Cqe, routing: &mut Routing<'_>) {
        let mut receiver = self.receiver.borrow_mut();
        let receiver = &mut *receiver;
        receiver.more = cqe.sock_nonempty();
        let (mut starved, mut before, mut stopped) = (false, None, false);
        if let State::Own(_) = receiver.state {
            receiver.own_received(cqe.res, routing);
        } else {
            if let State::Group { in_line, stopping, .. } = &mut receiver.state {
                (before, stopped) = (in_line.take(), *stopping);
            }
            if !cqe.more() {
                receiver.state = State::Idle;
                // Whoever has stopped it does not want another one.
                starved = cqe.res == -libc::ENOBUFS && receiver.reader.is_some() && !stopped;
            }
        }
        if let Some(chunk) = chunk {
            receiver.has_received = true;
            receiver.park(routing.driver, chunk);
        }
        receiver.note(cqe.res);
        if starved {
            receiver.state = State::Starved(routing.driver.starve(self.sink(), before));
        } else {
            routing.wakes.take_from(&mut receiver.reader);
        }
    }

    /// It is this stream's turn to receive, after it had to wait for buffers.
    pub(super) fn resume_receiving(self: &Rc<Self>, how: Resume, routing: &mut Routing<'_>) {
        let since = {
            let mut receiver = self.receiver.borrow_mut();
            let State::Starved(since) = receiver.state else { return };
            receiver.state = State::Idle;
            if receiver.ended().is_some() {
                routing.wakes.take_from(&mut receiver.reader);
                return;
            }
            let closing = self.closing.get().has_begun();
            if receiver.reader.is_none() || closing || !self.driver().is_open() {
                return;
            }
            since
        };
        let armed = match how {
            Resume::Group => self.arm_group(Some(since)),
            Resume::Heap => self.arm_heap(),
        };
        if armed.is_err() {
            // The reader's own poll meets the same refusal and returns it.
            routing.wakes.take_from(&mut self.receiver.borrow_mut().reader);
        }
    }

    /// Ends the receiving direction: behind what is parked comes the end of the stream.
    pub(crate) fn shut_down_reading(self: &Rc<Self>) -> io::Result<()> {
        let (driver, fd) = (self.driver(), self.fd());
        shutdown::shutdown(driver, fd, Shutdown::Read, self.sink(), Tag::ShutdownRead as u32)?;
        let mut receiver = self.receiver.borrow_mut();
        receiver.shutdowns += 1;
        receiver.eof = true;
        Ok(())
    }

    pub(super) fn reading_was_shut_down(&self, routing: &mut Routing<'_>) {
        let mut receiver = self.receiver.borrow_mut();
        receiver.shutdowns -= 1;
        routing.wakes.take_from(&mut receiver.reader);
    }
}
