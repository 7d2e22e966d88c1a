//! socket(2).
//!
//! # Safety
//! It names no memory; the new descriptor is owned from the moment its number is known.

#![allow(unsafe_code, reason = "takes ownership of the kernel's new descriptor")]

use std::io;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::Rc;

use uring_sys_shim::{Sqe, sqe};

use crate::driver::{Descriptor, Driver};

use super::{Operation, Submit};

/// Domain, type and protocol, as in socket(2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SocketKind {
    domain: i32,
    kind: i32,
    protocol: i32,
}

impl SocketKind {
    /// A TCP socket for addresses of this family.
    pub(crate) fn tcp(address: &SocketAddr) -> SocketKind {
        let domain = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        SocketKind { domain, kind, protocol: libc::IPPROTO_TCP }
    }
}

struct Socket {
    driver: Rc<Driver>,
    kind: SocketKind,
}

// SAFETY: the SQE names no memory.
unsafe impl Operation for Socket {
    type Output = Descriptor;

    fn prepare(&self) -> Sqe {
        sqe::socket(self.kind.domain, self.kind.kind, self.kind.protocol)
    }

    fn complete(self, result: io::Result<u32>) -> io::Result<Descriptor> {
        let fd = result?;
        // SAFETY: the kernel just opened this descriptor for us; nobody else knows its number.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        Ok(Descriptor::new(&self.driver, fd))
    }
}

/// Opens a socket that is closed on exec and blocking, as the ring's receives and sends need it.
pub(crate) async fn socket(driver: &Rc<Driver>, kind: SocketKind) -> io::Result<Descriptor> {
    Submit::new(driver, Socket { driver: driver.clone(), kind }).await
}
