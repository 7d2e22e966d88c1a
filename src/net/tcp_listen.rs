//! Listening.

use std::io;
use std::net::SocketAddr;

use crate::op;

use super::tcp_settings::{TcpSettings, first_of};
use super::{TcpListener, ToAddrs};

/// How to listen.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::TcpListener;
/// let listener = TcpListener::builder()
///     .reuse_port(true)
///     .backlog(4096)
///     .nodelay(true)
///     .recv_buffer(256 * 1024)
///     .send_buffer(256 * 1024)
///     .bind("127.0.0.1:0")
///     .await?;
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `bind`"]
pub struct ListenerBuilder {
    reuse_port: bool,
    backlog: u32,
    settings: TcpSettings,
}

impl Default for ListenerBuilder {
    fn default() -> Self {
        ListenerBuilder { reuse_port: false, backlog: 1024, settings: TcpSettings::default() }
    }
}

impl ListenerBuilder {
    /// Lets several listeners share the port (`SO_REUSEPORT`): one per core, and the kernel
    /// spreads the connections. Off unless told.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }

    /// Most connections that wait to be accepted; the kernel caps it at `net.core.somaxconn`.
    /// 1,024 unless told.
    pub fn backlog(mut self, n: u32) -> Self {
        self.backlog = n;
        self
    }

    /// Sends small segments at once (`TCP_NODELAY`) on every accepted connection. Off unless told.
    pub fn nodelay(mut self, on: bool) -> Self {
        self.settings.nodelay = on;
        self
    }

    /// Bytes of the kernel's receive buffer (`SO_RCVBUF`) of every accepted connection.
    pub fn recv_buffer(mut self, n: usize) -> Self {
        self.settings.recv_buffer = Some(n);
        self
    }

    /// Bytes of the kernel's send buffer (`SO_SNDBUF`) of every accepted connection.
    pub fn send_buffer(mut self, n: usize) -> Self {
        self.settings.send_buffer = Some(n);
        self
    }

    /// Listens. Of several addresses the first that can be bound is taken. `SO_REUSEADDR` is set,
    /// so that a server can be started again at once.
    ///
    /// # Errors
    /// What socket(2), setsockopt(2), bind(2) and listen(2) say about the last address tried.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn bind(self, address: impl ToAddrs) -> io::Result<TcpListener> {
        first_of(address, async |address| self.bind_one(address).await).await
    }

    async fn bind_one(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let socket = self.settings.open(&address).await?;
        op::set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1).await?;
        if self.reuse_port {
            op::set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1).await?;
        }
        op::bind(&socket, address).await?;
        op::listen(&socket, self.backlog).await?;
        Ok(TcpListener::new(socket))
    }
}
