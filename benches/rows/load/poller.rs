//! epoll(7), level-triggered, with an index for each socket.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// Events that are taken at once.
const EVENTS: usize = 512;
/// Longest wait in milliseconds, so that a load sees the end of its slice whatever happens.
const PATIENCE: u8 = 10;

pub(super) struct Poller(Epoll);

/// Room for events.
pub(super) struct Events(Vec<EpollEvent>);

impl Default for Events {
    fn default() -> Events {
        Events(vec![EpollEvent::empty(); EVENTS])
    }
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    Read,
    Write,
}

impl Interest {
    fn flags(self) -> EpollFlags {
        match self {
            Interest::Read => EpollFlags::EPOLLIN,
            Interest::Write => EpollFlags::EPOLLOUT,
        }
    }
}

impl Poller {
    pub(super) fn new() -> io::Result<Poller> {
        Ok(Poller(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    pub(super) fn add(&self, socket: &impl AsFd, index: usize, to: Interest) -> io::Result<()> {
        Ok(self.0.add(socket, EpollEvent::new(to.flags(), index as u64))?)
    }

    pub(super) fn change(&self, socket: &impl AsFd, index: usize, to: Interest) -> io::Result<()> {
        let mut event = EpollEvent::new(to.flags(), index as u64);
        Ok(self.0.modify(socket, &mut event)?)
    }

    /// Waits a little; which sockets are ready. One that has failed is ready for anything.
    pub(super) fn wait<'e>(
        &self,
        events: &'e mut Events,
    ) -> io::Result<impl Iterator<Item = usize> + use<'e>> {
        let count = match self.0.wait(&mut events.0, EpollTimeout::from(PATIENCE)) {
            Err(Errno::EINTR) => 0,
            count => count?,
        };
        Ok(events.0[..count].iter().map(|event| event.data() as usize))
    }
}

/// `None` where a call would have blocked.
pub(super) fn unless_blocked(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        done => done.map(Some),
    }
}
