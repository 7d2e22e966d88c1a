//! A TCP server's listening socket.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::rc::Rc;

use uring_sys_shim::sys::{self, Address};

use crate::driver::{self, Descriptor};
use crate::transport::Listener;

use super::incoming::Accept;
use super::{Incoming, ListenerBuilder, TcpStream, ToAddrs};

/// A socket that takes TCP connections.
///
/// The listener itself accepts, from the first call of [`accept`](TcpListener::accept) on, and
/// keeps up to 64 connections that nobody has taken, with up to sixteen accepts in flight; beyond
/// that they wait in the kernel's backlog.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::{TcpListener, TcpStream};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let _client = TcpStream::connect(listener.local_addr()?).await?;
/// let (_server, peer) = listener.accept().await?;
/// assert!(peer.ip().is_loopback());
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct TcpListener {
    transport: Rc<Listener>,
    /// `close` has taken over.
    closing: bool,
}

impl TcpListener {
    /// Listens on an address, with the defaults of [`ListenerBuilder`].
    ///
    /// # Errors
    /// What socket(2), bind(2) and listen(2) say, e.g. `AddrInUse`.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn bind(address: impl ToAddrs) -> io::Result<TcpListener> {
        Self::builder().bind(address).await
    }

    /// Listens with other settings.
    pub fn builder() -> ListenerBuilder {
        ListenerBuilder::default()
    }

    pub(super) fn new(socket: Descriptor) -> TcpListener {
        TcpListener { transport: Listener::new(socket), closing: false }
    }

    pub(crate) fn transport(&self) -> &Rc<Listener> {
        &self.transport
    }

    /// Takes the next connection, and tells whose it is. Several tasks may wait at a time.
    ///
    /// A connection that was reset while it waited in the backlog comes all the same, as accept(2) has it:
    /// its first receive says so.
    ///
    /// # Errors
    /// When the process or the machine has run out of descriptors or memory (`EMFILE`, `ENFILE`,
    /// `ENOBUFS`, `ENOMEM`). The connection stays in the backlog; later calls wait out a pause of
    /// 10 ms, doubling up to 1 s, and go on. So a server's loop may log the error and continue.
    ///
    /// # Cancel safety
    /// Nothing is lost: a connection that arrives for a dropped future goes to the next call.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, peer) = Accept::new(&self.transport).await?;
        let stream = TcpStream::new(socket);
        let peer = match peer {
            Some(peer) => peer,
            None => stream.peer_addr()?,
        };
        Ok((stream, peer))
    }

    /// The connections as a stream that never ends; it does not tell whose they are.
    ///
    /// Its errors are those of [`accept`](TcpListener::accept), and it goes on after them.
    ///
    /// # Cancel safety
    /// Nothing is lost: connections that arrive for a dropped stream go to whoever accepts next.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// use futures_util::StreamExt;
    /// use ringio::net::{TcpListener, TcpStream};
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let _client = TcpStream::connect(listener.local_addr()?).await?;
    /// let _server = listener.incoming().next().await.unwrap()?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming::new(self)
    }

    /// The address that it listens on, with the port that the kernel chose for port 0.
    ///
    /// # Errors
    /// What getsockname(2) says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        address(sys::getsockname(self.as_fd().as_raw_fd())?)
    }

    /// Takes over a listening socket of the standard library. It becomes blocking, as the ring
    /// needs it.
    ///
    /// # Errors
    /// Outside a loop.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// let theirs = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let listener = TcpListener::from_std(theirs)?;
    /// let _client = TcpStream::connect(listener.local_addr()?).await?;
    /// let (_server, _peer) = listener.accept().await?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(false)?;
        Ok(Self::new(Descriptor::new(&driver::current::expect()?, listener.into())))
    }

    /// Stops accepting, and closes the connections that nobody has taken. When it returns, the
    /// port is free.
    ///
    /// # Errors
    /// What close(2) says; the listener is gone in any case.
    ///
    /// # Cancel safety
    /// A dropped future closes in the background.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::TcpListener;
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let address = listener.local_addr()?;
    /// listener.close().await?;
    /// std::net::TcpListener::bind(address)?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn close(mut self) -> io::Result<()> {
        self.closing = true;
        self.transport.begin_close(true);
        std::future::poll_fn(|cx| self.transport.poll_closed(cx)).await
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        if !self.closing {
            self.transport.begin_close(false);
        }
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.transport.as_fd()
    }
}

pub(super) fn address(address: Address) -> io::Result<SocketAddr> {
    address.inet().ok_or_else(|| io::Error::other("the socket has no internet address"))
}
