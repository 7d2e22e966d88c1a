//! The connections of a listener, as a stream.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::time::{Sleep, sleep_until};
use crate::transport::{Accepted, Accepting, Listener};

use super::{TcpListener, TcpStream};

/// Waits for one connection.
pub(crate) struct Accept<'a> {
    listener: &'a Rc<Listener>,
    ticket: u64,
    /// Runs while accepting is backed off.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<'a> Accept<'a> {
    pub(crate) fn new(listener: &'a Rc<Listener>) -> Accept<'a> {
        Accept { listener, ticket: listener.ticket(), pause: None }
    }
}

impl Future for Accept<'_> {
    type Output = io::Result<Accepted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            match self.listener.poll_accept(self.ticket, cx) {
                Accepting::Done(result) => return Poll::Ready(result),
                Accepting::Until(when) => self.pause = Some(Box::pin(sleep_until(when))),
                Accepting::Wait => return Poll::Pending,
            }
        }
    }
}

impl Drop for Accept<'_> {
    fn drop(&mut self) {
        self.listener.leave(self.ticket);
    }
}

/// The connections of a listener; see [`TcpListener::incoming`]. It never ends.
pub struct Incoming<'a> {
    accept: Accept<'a>,
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(listener: &'a TcpListener) -> Incoming<'a> {
        Incoming { accept: Accept::new(listener.transport()) }
    }
}

impl std::fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Incoming")
    }
}

impl Stream for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let accepted = ready!(Pin::new(&mut self.accept).poll(cx));
        Poll::Ready(Some(accepted.map(|(socket, _)| TcpStream::new(socket))))
    }
}
