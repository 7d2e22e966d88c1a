//! A listening socket: it owns the accepts, and the connections that nobody has taken yet.
//!
//! # Safety
//! The accepts' addresses are the listener's, which the operations in flight keep. A place has one accept
//! in flight at most: it is taken from its submission to its completion.

#![allow(unsafe_code, reason = "has the kernel write addresses")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use uring_sys_shim::Cqe;

use crate::driver::{Descriptor, Driver, OpKey, Routing, Sink};
use crate::op::accept::{self, Peers};
use crate::time::Instant;
use crate::util::budget;
use crate::util::contain::contain;

use super::close::Closing;

/// Connections that are accepted, or are about to be, ahead of the `accept()` that takes them; the
/// rest waits in the kernel's backlog.
const PARKED_MAX: usize = 64;

/// One-shot accepts in flight at a time, which is how many connections one turn takes at most.
///
/// A multishot accept would be one operation for all of them, but it takes in the whole backlog
/// before anything can stop it: with nobody there to take them, a backlog of 1,000 became 1,000
/// parked connections (Linux 6.18). Sixteen that parked 64 and left 936 cost one SQE more each.
const WINDOW: usize = u16::BITS as usize;

/// The first and the longest pause after the process has run out of something.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Smaller tags are the places of the accepts.
const TAG_CLOSE: u32 = WINDOW as u32;

/// The transport of a listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Descriptor,
    peers: Peers,
    inner: RefCell<Inner>,
    closing: RefCell<Closing>,
}

/// A connection, and whose it is, if the kernel could say so.
pub(crate) type Accepted = (Descriptor, Option<SocketAddr>);

#[derive(Debug, Default)]
struct Inner {
    /// The accepts in flight, each in the place that is its tag, where a bit of `taken` says so.
    accepts: [OpKey; WINDOW],
    taken: u16,
    parked: VecDeque<Accepted>,
    /// Who waits until it is closed.
    closer: Option<Waker>,
    /// Reported by the next `accept()`, once.
    error: Option<i32>,
    /// The process has run out of descriptors or memory: no new accept before this. The
    /// connection stays in the backlog.
    backed_off: Option<Instant>,
    /// How long the last shortage has paused accepting, and the next one at least does.
    back_off: Duration,
    waiters: VecDeque<(u64, Waker)>,
    next_ticket: u64,
}

/// What `poll_accept` could not finish.
pub(crate) enum Accepting {
    Done(io::Result<Accepted>),
    /// Look again at this time.
    Until(Instant),
    Wait,
}

impl Listener {
    pub(crate) fn new(socket: Descriptor) -> Rc<Listener> {
        let peers = Peers::with_places(WINDOW);
        Rc::new(Listener { socket, peers, inner: RefCell::default(), closing: RefCell::default() })
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
        let mut pending = Accepting::Wait;
        let asked = budget::limited(cx, |cx| match self.poll_parked(ticket, cx) {
            Accepting::Done(result) => Poll::Ready(result),
            other => {
                pending = other;
                Poll::Pending
            }
        });
        match asked {
            Poll::Ready(result) => Accepting::Done(result),
            Poll::Pending => pending,
        }
    }

    fn poll_parked(self: &Rc<Self>, ticket: u64, cx: &mut Context<'_>) -> Accepting {
        let mut inner = self.inner.borrow_mut();
        if let Some(connection) = inner.parked.pop_front() {
            drop(inner);
            // A refusal shows at the next call.
            let _ = self.arm();
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
        let backed_off = inner.backed_off;
        drop(inner);
        if let Err(error) = self.check_loop() {
            return Accepting::Done(Err(error));
        }
        if let Some(until) = backed_off.filter(|until| Instant::now() < *until) {
            return Accepting::Until(until);
        }
        if let Err(error) = self.arm() {
            return Accepting::Done(Err(error));
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

    /// Submits as many accepts as there is room for.
    fn arm(self: &Rc<Self>) -> io::Result<()> {
        let mut inner = self.inner.borrow_mut();
        if inner.free_place().is_none() || !self.driver().is_open() || !inner.may_go_on() {
            return Ok(());
        }
        while let Some(place) = inner.free_place() {
            // SAFETY: the sink is `self`, and the place is free.
            let key = unsafe { self.peers.accept(self.driver(), self.fd(), self.clone(), place) }?;
            inner.accepts[place] = key;
            inner.taken |= 1 << place;
        }
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
        let accepting = inner.in_flight() > 0;
        let missed = !accepting || !inner.parked.is_empty() || inner.error.is_some();
        let pass_on = own.is_none() && missed;
        let next = if pass_on { inner.waiters.pop_front() } else { None };
        drop(inner);
        drop(own);
        if let Some((_, waker)) = next {
            waker.wake();
        }
    }

    fn accepted(self: &Rc<Self>, place: usize, cqe: Cqe, routing: &mut Routing<'_>) {
        let connection = accept::accepted(self.driver(), cqe.res);
        let mut inner = self.inner.borrow_mut();
        inner.taken &= !(1 << place);
        // SAFETY: this was its only completion.
        let peer = unsafe { self.peers.peer(place) };
        match connection {
            Ok(connection) => {
                routing.driver.note_newcomer();
                inner.back_off = Duration::ZERO;
                inner.parked.push_back((connection, peer));
                if let Some((_, waker)) = inner.waiters.pop_front() {
                    routing.wakes.push(waker);
                }
            }
            // One of them hears of it. The others must see to it that accepting goes on.
            Err(errno) if inner.note(errno) => {
                for (_, waker) in inner.waiters.drain(..) {
                    routing.wakes.push(waker);
                }
            }
            Err(_) => {}
        }
        let go_on = inner.error.is_none() && !self.closing.borrow().has_begun();
        drop(inner);
        if go_on {
            // A refusal shows at the next call.
            let _ = self.arm();
        }
    }

    /// Stops accepting and closes the connections that nobody took; the descriptor is closed when
    /// the accepts have ended.
    pub(crate) fn begin_close(self: &Rc<Self>, heard: bool) {
        self.closing.borrow_mut().begin(heard);
        let mut inner = self.inner.borrow_mut();
        let accepts = inner.in_flight_keys();
        let parked = std::mem::take(&mut inner.parked);
        drop(inner);
        drop(parked);
        for key in accepts {
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
        let accepting = self.inner.borrow().in_flight() > 0;
        if !accepting || self.driver().is_closed() {
            let closed = self.closing.borrow_mut().close(&self.socket, self.clone(), TAG_CLOSE);
            let waiter = if closed { self.inner.borrow_mut().closer.take() } else { None };
            waiter.into_iter().for_each(|waiter| contain(|| waiter.wake()));
        }
    }

    /// Waits until the descriptor is closed: the port is free then.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(result) = self.closing.borrow().result() {
            return Poll::Ready(result);
        }
        self.check_loop()?;
        // Cloning and dropping wakers is foreign code: nothing is borrowed meanwhile.
        let waker = cx.waker().clone();
        let before = self.inner.borrow_mut().closer.replace(waker);
        drop(before);
        Poll::Pending
    }
}

impl Inner {
    fn in_flight(&self) -> usize {
        self.taken.count_ones() as usize
    }

    fn in_flight_keys(&self) -> Vec<OpKey> {
        let places = (0..WINDOW).filter(|place| self.taken & (1 << place) != 0);
        places.map(|place| self.accepts[place]).collect()
    }

    /// Where the next accept goes, if there is room for its connection.
    fn free_place(&self) -> Option<usize> {
        if self.parked.len() + self.in_flight() >= PARKED_MAX {
            return None;
        }
        let place = self.taken.trailing_ones() as usize;
        (place < WINDOW).then_some(place)
    }

    fn may_go_on(&mut self) -> bool {
        self.backed_off = self.backed_off.filter(|until| Instant::now() < *until);
        self.backed_off.is_none()
    }

    /// An accept has failed. Most failures are of one connection, which is gone, or of the moment;
    /// of the others the next `accept()` is told. Says whether there is something to tell.
    fn note(&mut self, errno: i32) -> bool {
        match errno {
            libc::ECANCELED | libc::EINTR => return false,
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
            | libc::ENETUNREACH => return false,
            libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => {
                if !self.may_go_on() {
                    // Another accept has met the same shortage.
                    return false;
                }
                self.back_off = (self.back_off * 2).clamp(BACK_OFF.0, BACK_OFF.1);
                self.backed_off = Some(Instant::now() + self.back_off);
            }
            _ => {}
        }
        self.error = Some(errno);
        true
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
            TAG_CLOSE => {
                *self.closing.borrow_mut() = Closing::Closed(cqe.res);
                routing.wakes.take_from(&mut self.inner.borrow_mut().closer);
            }
            place => self.accepted(place as usize, cqe, routing),
        }
        self.go_on_closing();
    }
}
