//! Connecting.

use std::io;
use std::net::SocketAddr;

use crate::op;

use super::tcp_settings::{TcpSettings, first_of};
use super::{TcpStream, ToAddrs};

/// How to connect. On Linux 6.7 and later all of it goes through the ring.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::{TcpListener, TcpStream};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let stream = TcpStream::builder()
///     .nodelay(true)
///     .recv_buffer(256 * 1024)
///     .send_buffer(256 * 1024)
///     .local_addr("127.0.0.1:0".parse().unwrap())
///     .connect(listener.local_addr()?)
///     .await?;
/// assert!(stream.nodelay()?);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `connect`"]
pub struct ConnectBuilder {
    settings: TcpSettings,
    local: Option<SocketAddr>,
}

impl ConnectBuilder {
    /// Sends small segments at once (`TCP_NODELAY`). Off unless told.
    pub fn nodelay(mut self, on: bool) -> Self {
        self.settings.nodelay = on;
        self
    }

    /// Bytes of the kernel's receive buffer (`SO_RCVBUF`).
    pub fn recv_buffer(mut self, n: usize) -> Self {
        self.settings.recv_buffer = Some(n);
        self
    }

    /// Bytes of the kernel's send buffer (`SO_SNDBUF`).
    pub fn send_buffer(mut self, n: usize) -> Self {
        self.settings.send_buffer = Some(n);
        self
    }

    /// Connects from this address; port 0 lets the kernel choose.
    pub fn local_addr(mut self, address: SocketAddr) -> Self {
        self.local = Some(address);
        self
    }

    /// Connects. Of several addresses each is tried in turn.
    ///
    /// # Errors
    /// What socket(2), setsockopt(2), bind(2) and connect(2) say about the last address tried.
    ///
    /// # Cancel safety
    /// The socket of a dropped future is closed, also if it connects at that moment.
    pub async fn connect(self, address: impl ToAddrs) -> io::Result<TcpStream> {
        first_of(address, async |address| self.connect_one(address).await).await
    }

    async fn connect_one(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = self.settings.open(&address).await?;
        if let Some(local) = self.local {
            op::bind(&socket, local).await?;
        }
        Ok(TcpStream::new(op::connect(socket, address).await?))
    }
}
