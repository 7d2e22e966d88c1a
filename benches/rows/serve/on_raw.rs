//! An echo server on a ring, without a runtime: one loop that knows nothing but this. It has what
//! such loops are fast with: a multishot accept, multishot receives into few buffers that stay in the
//! cache, and one enter a turn.
//!
//! # Safety
//! The buffers are never freed. Each of them is the kernel's, or is being sent, or is on the stack of free
//! ones; a connection's descriptor is closed when it has no send in flight.

#![allow(unsafe_code, reason = "SQEs that are pushed by hand")]

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use uring_sys_shim::{ActiveRing, Cqe, GroupId, Ring, Setup, Sqe, Wait, sqe};

use crate::control::{self, Count};

use super::{Serve, Service, listen};

const GROUP: GroupId = GroupId(0);
const BUFFERS: u16 = 1024;
/// Buffers that the kernel has at a time.
const HOT: usize = 48;

/// Bytes of a buffer, which has room for a message between these.
const LEAST: usize = 4 * 1024;
const MOST: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Kind {
    Accept,
    Receive,
    Send,
    Close,
}

/// Bytes that have come, and go back: which buffer they are in, and how many.
type Piece = (u16, u32);

#[derive(Default)]
struct Connection {
    /// The first one is being sent.
    queue: VecDeque<Piece>,
    ended: bool,
}

struct Echo {
    ring: ActiveRing,
    listener: RawFd,
    memory: *mut u8,
    size: usize,
    free: Vec<u16>,
    /// Buffers that the kernel has.
    provided: usize,
    /// By descriptor.
    connections: Vec<Connection>,
    /// Those whose receive has ended.
    idle: VecDeque<RawFd>,
}

pub(super) fn run(serve: &Serve) -> io::Result<()> {
    if serve.service != Service::Echo {
        return Err(io::Error::other("the loop knows nothing but echo"));
    }
    let listener = listen()?;
    println!("{}", std::net::TcpListener::from(listener.try_clone()?).local_addr()?);
    // The loop counts nothing.
    control::answer(|tell| _ = tell.try_send(Count::now(None)));
    let mut ring = ActiveRing::new(&Setup::with_entries(1024))?;
    ring.register_group(GROUP, BUFFERS, false)?;
    let size = serve.bytes.clamp(LEAST, MOST);
    let memory: &mut [u8] = Vec::leak(vec![0; usize::from(BUFFERS) * size]);
    let echo = Echo {
        ring,
        listener: listener.as_raw_fd(),
        memory: memory.as_mut_ptr(),
        size,
        free: (0..BUFFERS).collect(),
        provided: 0,
        connections: Vec::new(),
        idle: VecDeque::new(),
    };
    echo.run()
}

impl Echo {
    fn run(mut self) -> io::Result<()> {
        self.accept()?;
        loop {
            self.provide();
            for _ in 0..self.idle.len().min(self.provided) {
                let fd = self.idle.pop_front().expect("so many are idle");
                self.push(sqe::recv_multi(fd, GROUP, 0, 0, 0), Kind::Receive, fd)?;
            }
            self.ring.enter(Wait::Forever)?;
            for _ in 0..self.ring.completions() {
                let Some(cqe) = self.ring.take() else { break };
                self.complete(cqe)?;
            }
        }
    }

    fn complete(&mut self, cqe: Cqe) -> io::Result<()> {
        let fd = cqe.user_data as RawFd;
        match (cqe.user_data >> 32) as u8 {
            kind if kind == Kind::Accept as u8 => {
                let fd = cqe.result()? as RawFd;
                let least = fd as usize + 1;
                if self.connections.len() < least {
                    self.connections.resize_with(least, Connection::default);
                }
                self.connections[fd as usize] = Connection::default();
                self.idle.push_back(fd);
                if cqe.more() { Ok(()) } else { self.accept() }
            }
            kind if kind == Kind::Receive as u8 => self.received(fd, cqe),
            kind if kind == Kind::Send as u8 => self.sent(fd),
            _ => Ok(()),
        }
    }

    fn received(&mut self, fd: RawFd, cqe: Cqe) -> io::Result<()> {
        let connection = &mut self.connections[fd as usize];
        if let Some(bid) = cqe.buffer() {
            self.provided -= 1;
            if cqe.res > 0 {
                connection.queue.push_back((bid, cqe.res as u32));
                if connection.queue.len() == 1 {
                    self.send(fd)?;
                }
            } else {
                self.free.push(bid);
            }
        }
        if cqe.more() {
            return Ok(());
        }
        if cqe.res > 0 || cqe.res == -libc::ENOBUFS {
            self.idle.push_back(fd);
            return Ok(());
        }
        let connection = &mut self.connections[fd as usize];
        connection.ended = true;
        self.close_if_done(fd)
    }

    /// What is left of a send that fails is lost with its connection.
    fn sent(&mut self, fd: RawFd) -> io::Result<()> {
        let connection = &mut self.connections[fd as usize];
        if let Some((bid, _)) = connection.queue.pop_front() {
            self.free.push(bid);
        }
        if connection.queue.is_empty() { self.close_if_done(fd) } else { self.send(fd) }
    }

    fn send(&mut self, fd: RawFd) -> io::Result<()> {
        let (bid, len) = self.connections[fd as usize].queue[0];
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
        self.push(sqe::send(fd, self.address(bid), len, flags), Kind::Send, fd)
    }

    fn close_if_done(&mut self, fd: RawFd) -> io::Result<()> {
        let connection = &self.connections[fd as usize];
        if connection.ended && connection.queue.is_empty() {
            self.push(sqe::close(fd), Kind::Close, fd)?;
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        self.push(sqe::accept_multi(self.listener, libc::SOCK_CLOEXEC), Kind::Accept, 0)
    }

    /// The buffer that was used last goes to the kernel first.
    fn provide(&mut self) {
        while self.provided < HOT
            && let Some(bid) = self.free.pop()
        {
            let address = self.address(bid);
            // SAFETY: the buffer was on the stack of free ones, and lives for ever.
            unsafe { self.ring.provide(GROUP, bid, address, self.size as u32) };
            self.provided += 1;
        }
        self.ring.publish(GROUP);
    }

    fn address(&self, bid: u16) -> *mut u8 {
        self.memory.wrapping_add(usize::from(bid) * self.size)
    }

    fn push(&mut self, sqe: Sqe, kind: Kind, fd: RawFd) -> io::Result<()> {
        let sqe = sqe.user_data((kind as u64) << 32 | fd as u64);
        // SAFETY: buffers that are sent stay as they are until that has completed, see the preface;
        // the others name no memory but the group's.
        if unsafe { self.ring.push(&sqe) }.is_ok() {
            return Ok(());
        }
        self.ring.enter(Wait::Submit)?;
        // SAFETY: as above.
        unsafe { self.ring.push(&sqe) }.map_err(|_| io::Error::other("the queue is still full"))
    }
}
