//! A listening socket: it owns the accept, and the connections that nobody has taken yet.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use uring_sys_shim::Cqe;

use crate::driver::{Descriptor, Driver, OpKey, Routing, Sink};
use crate::op::accept;
use crate::time::Instant;
use crate::util::budget;

use super::close::Closing;

/// Accepted connections that may wait for an `accept()`; then accepting pauses, and the rest
/// waits in the kernel's backlog.
const PARKED_MAX: usize = 64;

/// With this many parked or fewer, accepting goes on.
const PARKED_RESUME: usize = 32;

/// The first and the longest pause after the process has run out of something.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

const TAG_ACCEPT: u32 = 0;
const TAG_CLOSE: u32 = 1;

/// The transport of a listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Descriptor,
    inner: RefCell<Inner>,
    closing: RefCell<Closing>,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    parked: VecDeque<Descriptor>,
    /// Reported by the next `accept()`, once.
    error: Option<i32>,
    /// How long the next shortage pauses accepting.
    back_off: Duration,
    waiters: VecDeque<(u64, Waker)>,
    next_ticket: u64,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Idle,
    Accepting {
        key: OpKey,
        stopping: bool,
    },
    /// The process has run out of descriptors or memory. The connection stays in the backlog.
    BackedOff(Instant),
}

/// What `poll_accept` could not finish.
pub(crate) enum Accepting {
    Done(io::Result<Descriptor>),
    /// Look again at this time.
    Until(Instant),
    Wait,
}

impl Listener {
    pub(crate) fn new(socket: Descriptor) -> Rc<Listener> {
        Rc::new(Listener { socket, inner: RefCell::default(), closing: RefCell::default() })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.socket.raw()
    }

    pub(crate) fn driver(&self) -> &Rc<Driver> {
        self.socket.driver()
    }

    /// A number for a future that will wait here.
    pub(crate) fn ticket(&self) -> u64 {
        let mut inner = self.inner.borrow_mut();
        inner.next_ticket += 1;
        inner.next_ticket
    }

    /// Takes the next connection.
    pub(crate) fn poll_accept(self: &Rc<Self>, ticket: u64, cx: &mut Context<'_>) -> Accepting {
        if budget::spend(cx).is_pending() {
            return Accepting::Wait;
        }
        let mut inner = self.inner.borrow_mut();
        if let Some(connection) = inner.parked.pop_front() {
            inner.back_off = Duration::ZERO;
            let resume = matches!(inner.state, State::Idle) && inner.parked.len() <= PARKED_RESUME;
            drop(inner);
            if resume && self.driver().is_open() {
                // A refusal shows at the next call.
                let _ = self.arm();
            }
            return Accepting::Done(Ok(connection));
        }
        if let Some(errno) = inner.error.take() {
            // Nothing is in flight now: the next in line goes on, or waits out the pause.
            let next = inner.waiters.pop_front();
            drop(inner);
            if let Some((_, waker)) = next {
                waker.wake();
            }
            return Accepting::Done(Err(io::Error::from_raw_os_error(errno)));
        }
        let state = inner.state;
        drop(inner);
        if let Err(error) = self.check_loop() {
            return Accepting::Done(Err(error));
        }
        match state {
            State::BackedOff(until) if Instant::now() < until => return Accepting::Until(until),
            State::Idle | State::BackedOff(_) => {
                if let Err(error) = self.arm() {
                    return Accepting::Done(Err(error));
                }
            }
            State::Accepting { .. } => {}
        }
        self.register(ticket, cx);
        Accepting::Wait
    }

    fn check_loop(&self) -> io::Result<()> {
        if !self.driver().is_open() {
            return Err(crate::driver::closed_error());
        }
        if !self.driver().is_current() {
            return Err(io::Error::other("this listener belongs to another event loop"));
        }
        Ok(())
    }

    fn arm(self: &Rc<Self>) -> io::Result<()> {
        let key = accept::accept_multi(self.driver(), self.fd(), self.clone(), TAG_ACCEPT)?;
        self.inner.borrow_mut().state = State::Accepting { key, stopping: false };
        Ok(())
    }

    fn register(&self, ticket: u64, cx: &Context<'_>) {
        let waiting = |inner: &Inner| {
            let place = inner.waiters.iter().position(|(number, _)| *number == ticket)?;
            Some((place, inner.waiters[place].1.will_wake(cx.waker())))
        };
        if let Some((_, true)) = waiting(&self.inner.borrow()) {
            return;
        }
        // Cloning and dropping wakers is foreign code: nothing is borrowed meanwhile.
        let waker = cx.waker().clone();
        let mut inner = self.inner.borrow_mut();
        let before = match waiting(&inner) {
            Some((place, _)) => Some(std::mem::replace(&mut inner.waiters[place].1, waker)),
            None => {
                inner.waiters.push_back((ticket, waker));
                None
            }
        };
        drop(inner);
        drop(before);
    }

    /// A waiting future is dropped. If it was woken for something, somebody else gets that.
    pub(crate) fn leave(&self, ticket: u64) {
        let mut inner = self.inner.borrow_mut();
        let place = inner.waiters.iter().position(|(number, _)| *number == ticket);
        let own = place.and_then(|place| inner.waiters.remove(place));
        let accepting = matches!(inner.state, State::Accepting { .. });
        let missed = !accepting || !inner.parked.is_empty() || inner.error.is_some();
        let pass_on = own.is_none() && missed;
        let next = if pass_on { inner.waiters.pop_front() } else { None };
        drop(inner);
        drop(own);
        if let Some((_, waker)) = next {
            waker.wake();
        }
    }

    fn accepted(&self, cqe: Cqe, routing: &mut Routing<'_>) {
        let connection = accept::accepted(self.driver(), cqe.res);
        let mut inner = self.inner.borrow_mut();
        if !cqe.more() {
            inner.state = State::Idle;
        }
        match connection {
            Ok(connection) => inner.parked.push_back(connection),
            Err(errno) => inner.note(errno),
        }
        let pause = inner.pause_if_full();
        if let Some((_, waker)) = inner.waiters.pop_front() {
            routing.wakes.push(waker);
        }
        drop(inner);
        if let Some(key) = pause {
            routing.driver.cancel(key);
        }
    }

    /// Stops accepting and closes the connections that nobody took; the descriptor is closed when
    /// the accept has ended.
    pub(crate) fn begin_close(self: &Rc<Self>, heard: bool) {
        self.closing.borrow_mut().begin(heard);
        let mut inner = self.inner.borrow_mut();
        let stop = inner.stop();
        let parked = std::mem::take(&mut inner.parked);
        drop(inner);
        drop(parked);
        if let Some(key) = stop {
            self.driver().cancel(key);
        }
        self.go_on_closing();
    }

    fn go_on_closing(self: &Rc<Self>) {
        if !self.closing.borrow().has_begun() {
            return;
        }
        let parked = std::mem::take(&mut self.inner.borrow_mut().parked);
        drop(parked);
        let accepting = matches!(self.inner.borrow().state, State::Accepting { .. });
        if !accepting || self.driver().is_closed() {
            self.closing.borrow_mut().close(&self.socket, self.clone(), TAG_CLOSE);
        }
    }

    /// Waits until the descriptor is closed: the port is free then.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(result) = self.closing.borrow().result() {
            return Poll::Ready(result);
        }
        self.check_loop()?;
        let waker = cx.waker().clone();
        let before = self.closing.borrow_mut().wait(waker);
        drop(before);
        Poll::Pending
    }
}

impl Inner {
    /// An accept has failed: most failures are of one connection, which is gone, or of the
    /// moment.
    fn note(&mut self, errno: i32) {
        match errno {
            libc::ECANCELED | libc::EINTR | libc::EAGAIN => {}
            // accept(2): the connection died in the backlog, or its network did; the next one
            // is not concerned.
            libc::ECONNABORTED
            | libc::ENETDOWN
            | libc::EPROTO
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::ENONET
            | libc::EHOSTUNREACH
            | libc::EOPNOTSUPP
            | libc::ENETUNREACH => {}
            libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => {
                self.back_off = (self.back_off * 2).clamp(BACK_OFF.0, BACK_OFF.1);
                self.state = State::BackedOff(Instant::now() + self.back_off);
                self.error = Some(errno);
            }
            errno => self.error = Some(errno),
        }
    }

    fn pause_if_full(&mut self) -> Option<OpKey> {
        if self.parked.len() >= PARKED_MAX { self.stop() } else { None }
    }

    /// The accept to cancel, if one is in flight that was not cancelled before.
    fn stop(&mut self) -> Option<OpKey> {
        let State::Accepting { key, stopping } = &mut self.state else { return None };
        (!std::mem::replace(stopping, true)).then_some(*key)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Sink for Listener {
    fn complete(self: Rc<Self>, tag: u32, cqe: Cqe, routing: &mut Routing<'_>) {
        match tag {
            TAG_ACCEPT => self.accepted(cqe, routing),
            _ => self.closing.borrow_mut().closed(cqe, routing),
        }
        self.go_on_closing();
    }
}
