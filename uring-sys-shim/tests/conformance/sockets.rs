//! Sockets on a [`Bench`], made and used by operations where both kernels have them.

use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::sys::socket::{MsgFlags, recv};
use uring_sys_shim::sys::{self, Address};
use uring_sys_shim::{Caps, Sqe, sqe};

use super::bench::Bench;
use super::memory::Memory;

/// How the driver sends.
pub(crate) const SEND: i32 = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;

/// Bytes in which each position can be told.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}

impl Bench {
    #[track_caller]
    pub(crate) fn socket(&mut self) -> RawFd {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        let fd = self.run(sqe::socket(libc::AF_INET, kind, libc::IPPROTO_TCP));
        self.own(fd)
    }

    /// Binds a socket; the result.
    pub(crate) fn bind(&mut self, fd: RawFd, to: SocketAddr) -> i32 {
        let address = Address::from(to);
        if !self.has(Caps::RING_BIND_LISTEN) {
            let bound = sys::bind(fd, &address);
            return bound.map_or_else(|error| -error.raw_os_error().unwrap_or(0), |()| 0);
        }
        let (address, len) = self.address(to);
        self.run(sqe::bind(fd, address.start().cast(), len))
    }

    /// A socket that is bound to a port of the kernel's choice.
    #[track_caller]
    pub(crate) fn bound(&mut self) -> (RawFd, SocketAddr) {
        let fd = self.socket();
        assert_eq!(self.bind(fd, SocketAddr::from(([127, 0, 0, 1], 0))), 0);
        (fd, local(fd))
    }

    #[track_caller]
    pub(crate) fn listen(&mut self, fd: RawFd, backlog: i32) {
        if self.has(Caps::RING_BIND_LISTEN) {
            assert_eq!(self.run(sqe::listen(fd, backlog)), 0);
        } else {
            sys::listen(fd, backlog).expect("listen");
        }
    }

    /// A listener on a port of the kernel's choice.
    #[track_caller]
    pub(crate) fn listener(&mut self, backlog: i32) -> (RawFd, SocketAddr) {
        let (fd, address) = self.bound();
        self.listen(fd, backlog);
        (fd, address)
    }

    /// An address in memory of the bench.
    pub(crate) fn address(&mut self, address: SocketAddr) -> (Memory, libc::socklen_t) {
        let address = Address::from(address);
        let storage = Memory::of(&[address]);
        (self.lend(storage), address.len())
    }

    /// Connects a new socket: the socket, and the operation.
    #[track_caller]
    pub(crate) fn connecting(&mut self, to: SocketAddr) -> (RawFd, Sqe) {
        let fd = self.socket();
        let (address, len) = self.address(to);
        (fd, sqe::connect(fd, address.start().cast(), len))
    }

    #[track_caller]
    pub(crate) fn connect(&mut self, to: SocketAddr) -> RawFd {
        let (fd, sqe) = self.connecting(to);
        assert_eq!(self.run(sqe), 0);
        fd
    }

    #[track_caller]
    pub(crate) fn accept(&mut self, listener: RawFd) -> RawFd {
        let fd = self.run(sqe::accept(listener, libc::SOCK_CLOEXEC));
        self.own(fd)
    }

    /// Two ends of a connection.
    #[track_caller]
    pub(crate) fn pair(&mut self) -> (RawFd, RawFd) {
        let (listener, address) = self.listener(8);
        let near = self.connect(address);
        let far = self.accept(listener);
        self.close(listener);
        (near, far)
    }

    /// An operation that sends a copy of these bytes.
    pub(crate) fn sending(&mut self, fd: RawFd, bytes: &[u8]) -> Sqe {
        let memory = self.lend(Memory::of(bytes));
        sqe::send(fd, memory.start(), memory.len() as u32, SEND)
    }

    /// Sends all of it, in however many sends.
    #[track_caller]
    pub(crate) fn send(&mut self, fd: RawFd, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sqe = self.sending(fd, rest);
            let sent = self.run(sqe);
            assert!(sent > 0 && sent as usize <= rest.len(), "sent {sent} of {}", rest.len());
            rest = &rest[sent as usize..];
        }
    }

    /// An operation that receives to this memory.
    pub(crate) fn receiving(&mut self, fd: RawFd, len: usize) -> (Memory, Sqe) {
        let memory = self.lend(Memory::zeroed(len));
        let sqe = sqe::recv(fd, memory.start(), len as u32, 0);
        (memory, sqe)
    }

    /// Receives once; an errno if that fails.
    #[track_caller]
    pub(crate) fn receive(&mut self, fd: RawFd, len: usize) -> Result<Vec<u8>, i32> {
        let (memory, sqe) = self.receiving(fd, len);
        match self.run(sqe) {
            res if res < 0 => Err(-res),
            res => Ok(memory.bytes(0, res as usize)),
        }
    }

    /// Receives exactly so many bytes.
    #[track_caller]
    pub(crate) fn receive_exactly(&mut self, fd: RawFd, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            let some = self.receive(fd, len - all.len()).expect("bytes");
            assert!(!some.is_empty(), "the end after {} of {len} bytes", all.len());
            all.extend(some);
        }
        all
    }

    /// Receives until the end, or an errno.
    #[track_caller]
    pub(crate) fn receive_all(&mut self, fd: RawFd) -> (Vec<u8>, Option<i32>) {
        let mut all = Vec::new();
        loop {
            match self.receive(fd, 1 << 16) {
                Ok(some) if some.is_empty() => return (all, None),
                Ok(some) => all.extend(some),
                Err(errno) => return (all, Some(errno)),
            }
        }
    }

    /// Waits until so many bytes can be received at once.
    #[track_caller]
    pub(crate) fn until_arrived(&mut self, fd: RawFd, len: usize) {
        if self.is_simulated() {
            return self.settle();
        }
        let mut peeked = vec![0; len];
        self.until(|_| recv(fd, &mut peeked, MsgFlags::MSG_PEEK) == Ok(len));
    }

    #[track_caller]
    pub(crate) fn shut_down(&mut self, fd: RawFd, how: i32) {
        assert_eq!(self.run(sqe::shutdown(fd, how)), 0);
    }

    /// Breaks a connection off.
    #[track_caller]
    pub(crate) fn reset(&mut self, fd: RawFd) {
        sys::set_linger(fd, Some(0)).expect("SO_LINGER");
        self.close(fd);
    }
}

/// The address that a socket is bound to.
#[track_caller]
pub(crate) fn local(fd: RawFd) -> SocketAddr {
    sys::getsockname(fd).expect("getsockname").inet().expect("an internet address")
}
