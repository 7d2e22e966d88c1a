//! Socket addresses as the kernel reads them.

use std::net::SocketAddr;

/// An address in memory that does not move.
#[derive(Debug)]
pub(crate) struct SockAddr(Box<socket2::SockAddr>);

impl SockAddr {
    pub(crate) fn new(address: SocketAddr) -> SockAddr {
        SockAddr(Box::new(address.into()))
    }

    pub(crate) fn as_ptr(&self) -> *const libc::sockaddr {
        self.0.as_ptr().cast()
    }

    pub(crate) fn len(&self) -> libc::socklen_t {
        self.0.len()
    }
}
