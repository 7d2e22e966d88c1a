//! What listening and connecting have in common.

use std::io;
use std::net::SocketAddr;

use crate::driver::{self, Descriptor};
use crate::op::{self, SocketKind};

use super::ToAddrs;
use super::address::resolve;

/// What is set on a TCP socket before it listens or connects.
#[derive(Clone, Debug, Default)]
pub(super) struct TcpSettings {
    pub(super) nodelay: bool,
    /// Bytes of the kernel's buffers.
    pub(super) recv_buffer: Option<usize>,
    pub(super) send_buffer: Option<usize>,
}

impl TcpSettings {
    /// A new socket of the running loop, for addresses of this family.
    pub(super) async fn open(&self, address: &SocketAddr) -> io::Result<Descriptor> {
        let socket = op::socket(&driver::current::expect()?, SocketKind::tcp(address)).await?;
        if self.nodelay {
            op::set_option(&socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1).await?;
        }
        let buffers = [(libc::SO_RCVBUF, self.recv_buffer), (libc::SO_SNDBUF, self.send_buffer)];
        for (name, bytes) in buffers {
            if let Some(bytes) = bytes {
                let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
                op::set_option(&socket, libc::SOL_SOCKET, name, bytes).await?;
            }
        }
        Ok(socket)
    }
}

/// Tries the addresses of `address` in turn; the last error is given if none works.
pub(super) async fn first_of<T>(
    address: impl ToAddrs,
    attempt: impl AsyncFn(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in resolve(address).await? {
        match attempt(address).await {
            Ok(made) => return Ok(made),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}
