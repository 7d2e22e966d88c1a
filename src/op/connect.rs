//! connect(2).
//!
//! # Safety
//! The operation owns the address, boxed, and the socket.

#![allow(unsafe_code, reason = "hands an address to the kernel")]

use std::io;
use std::net::SocketAddr;

use uring_sys_shim::{Sqe, sqe};

use crate::driver::Descriptor;

use super::{Operation, SockAddr, Submit};

struct Connect {
    socket: Descriptor,
    address: SockAddr,
}

// SAFETY: the address is boxed and owned; `prepare` is the last to touch it.
unsafe impl Operation for Connect {
    type Output = Descriptor;

    fn prepare(&self) -> Sqe {
        sqe::connect(self.socket.raw(), self.address.as_ptr(), self.address.len())
    }

    fn complete(self, result: io::Result<u32>) -> io::Result<Descriptor> {
        result.map(|_| self.socket)
    }
}

/// Connects a socket. It is closed if that fails or the future is dropped: a cancelled connect
/// leaves a socket that may connect later.
pub(crate) async fn connect(socket: Descriptor, address: SocketAddr) -> io::Result<Descriptor> {
    let driver = socket.driver().clone();
    Submit::new(&driver, Connect { socket, address: SockAddr::new(address) }).await
}
