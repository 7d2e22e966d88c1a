//! bind(2) and listen(2): operations since Linux 6.11, system calls below.
//!
//! # Safety
//! The operations own the address, boxed; the socket outlives them or is closed after them.

#![allow(unsafe_code, reason = "hands an address to the kernel")]

use std::io;
use std::net::SocketAddr;

use uring_sys_shim::{Caps, Sqe, sqe, sys};

use crate::driver::Descriptor;

use super::{Operation, SockAddr, Submit};

struct Bind {
    fd: i32,
    address: SockAddr,
}

// SAFETY: the address is boxed and owned; `prepare` is the last to touch it.
unsafe impl Operation for Bind {
    type Output = ();

    fn prepare(&self) -> Sqe {
        sqe::bind(self.fd, self.address.as_ptr(), self.address.len())
    }

    fn complete(self, result: io::Result<u32>) -> io::Result<()> {
        result.map(drop)
    }
}

struct Listen {
    fd: i32,
    backlog: u32,
}

// SAFETY: the SQE names no memory.
unsafe impl Operation for Listen {
    type Output = ();

    fn prepare(&self) -> Sqe {
        sqe::listen(self.fd, i32::try_from(self.backlog).unwrap_or(i32::MAX))
    }

    fn complete(self, result: io::Result<u32>) -> io::Result<()> {
        result.map(drop)
    }
}

/// Gives a socket its local address.
pub(crate) async fn bind(socket: &Descriptor, address: SocketAddr) -> io::Result<()> {
    let driver = socket.driver();
    if driver.caps().contains(Caps::RING_BIND_LISTEN) {
        let operation = Bind { fd: socket.raw(), address: SockAddr::new(address) };
        return Submit::new(driver, operation).await;
    }
    sys::bind(socket.raw(), &address.into())
}

/// Lets a bound socket take connections, at most `backlog` of them waiting.
pub(crate) async fn listen(socket: &Descriptor, backlog: u32) -> io::Result<()> {
    let driver = socket.driver();
    if driver.caps().contains(Caps::RING_BIND_LISTEN) {
        return Submit::new(driver, Listen { fd: socket.raw(), backlog }).await;
    }
    sys::listen(socket.raw(), i32::try_from(backlog).unwrap_or(i32::MAX))
}
