//! Pipes, through which bytes go from socket to socket inside the kernel.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use uring_sys_shim::sys;

/// Bytes that a pipe holds, if the process may have that much: the fewer rounds a stream takes, the
/// less it costs.
const ROOM: u32 = 1 << 20;

/// With less room than this a pipe is worse than a buffer.
const ROOM_MIN: usize = 64 * 1024;

/// Pipes of one loop that are away at a time. One is away for longer than a call only while it has
/// bytes for a peer that is slow to read, so this times [`ROOM`] is what such peers can cost.
const AWAY_MAX: usize = 32;

/// Bytes that are taken from sockets in one turn, and just under one pipe full more: with many
/// streams a turn would else be long, and all others wait for it.
const PER_TURN: usize = 4 << 20;

/// The pipes of one loop. The one that came back last is taken first: mostly it is the only one.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a pipe that is taken lies in a queue of smaller things")]
pub(crate) struct Pipes {
    free: RefCell<Vec<Box<Ends>>>,
    away: Cell<usize>,
    /// Bytes that were taken from sockets in this turn.
    taken: Cell<usize>,
    /// The loop has ended, and wants none back.
    closed: Cell<bool>,
}

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
    room: usize,
    filled: usize,
}

/// A pipe that was taken. Dropped, it goes back to its loop if it is empty, and is closed otherwise.
#[derive(Debug)]
pub(crate) struct Pipe {
    home: Rc<Pipes>,
    ends: Option<Box<Ends>>,
}

impl Pipes {
    /// An empty pipe; none if too many are away.
    ///
    /// # Errors
    /// What pipe2(2) says, without descriptors or memory.
    pub(crate) fn take(self: &Rc<Self>) -> io::Result<Option<Pipe>> {
        if self.away.get() >= AWAY_MAX {
            return Ok(None);
        }
        let free = self.free.borrow_mut().pop();
        let ends = match free {
            Some(ends) => ends,
            None => {
                let (read, write, room) = sys::pipe(ROOM)?;
                Box::new(Ends { read, write, room, filled: 0 })
            }
        };
        if ends.room < ROOM_MIN {
            // The user's share of pipe memory is used up.
            return Ok(None);
        }
        self.away.set(self.away.get() + 1);
        Ok(Some(Pipe { home: self.clone(), ends: Some(ends) }))
    }

    /// Whether this turn has moved enough.
    pub(crate) fn are_spent(&self) -> bool {
        self.taken.get() >= PER_TURN
    }

    /// Another turn begins.
    pub(super) fn refresh(&self) {
        self.taken.set(0);
    }

    /// Closes those that are here, and each other one when it comes back.
    pub(super) fn close(&self) {
        self.closed.set(true);
        drop(self.free.take());
    }
}

impl Pipe {
    fn ends(&mut self) -> &mut Ends {
        self.ends.as_mut().expect("a pipe has its ends until it is dropped")
    }

    /// Takes in what a socket has received; 0 is the end of the stream.
    ///
    /// # Errors
    /// What splice(2) says; `EAGAIN` if there was nothing.
    pub(crate) fn fill(&mut self, socket: RawFd) -> io::Result<usize> {
        let ends = self.ends();
        let (pipe, room) = (ends.write.as_raw_fd(), ends.room - ends.filled);
        let count = at_once(socket, || sys::splice(socket, pipe, room))?;
        ends.filled += count;
        self.home.taken.set(self.home.taken.get() + count);
        Ok(count)
    }

    /// Sends what is in it, as far as the socket has room.
    ///
    /// # Errors
    /// What splice(2) says; `EAGAIN` without room.
    pub(crate) fn empty(&mut self, socket: RawFd) -> io::Result<usize> {
        let ends = self.ends();
        let (pipe, len) = (ends.read.as_raw_fd(), ends.filled);
        let count = at_once(socket, || sys::splice(pipe, socket, len))?;
        ends.filled -= count;
        Ok(count)
    }
}

/// splice(2) waits for a socket that is not `O_NONBLOCK`, whatever its flags say. The mode is not
/// the call's but the open file's, which users see and other processes may share: so it is for the
/// time of the call. (Receives and sends of the ring go by their own flags.)
fn at_once(socket: RawFd, splice: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    sys::set_nonblocking(socket, true)?;
    let moved = splice();
    // What was moved counts, whatever this says; and it worked a moment ago.
    let _ = sys::set_nonblocking(socket, false);
    moved
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.home.away.set(self.home.away.get() - 1);
        let ends = self.ends.take().filter(|ends| ends.filled == 0);
        if !self.home.closed.get() {
            self.home.free.borrow_mut().extend(ends);
        }
    }
}
