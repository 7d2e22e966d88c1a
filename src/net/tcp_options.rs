//! What a TCP connection tells about itself, and its socket's options.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use socket2::SockRef;
use uring_sys_shim::sys;

use super::TcpStream;
use super::tcp_listener::address;

impl TcpStream {
    /// The other end.
    ///
    /// # Errors
    /// What getpeername(2) says, e.g. `NotConnected` after a reset.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// assert_eq!(stream.peer_addr()?, peer.local_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        address(sys::getpeername(self.as_fd().as_raw_fd())?)
    }

    /// This end.
    ///
    /// # Errors
    /// What getsockname(2) says.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// assert_eq!(stream.local_addr()?, peer.peer_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        address(sys::getsockname(self.as_fd().as_raw_fd())?)
    }

    /// Sends small segments at once (`TCP_NODELAY`) or collects them. This is a system call; a
    /// builder's `nodelay` is none.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// stream.set_nodelay(true)?;
    /// assert!(stream.nodelay()?);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        SockRef::from(self).set_tcp_nodelay(on)
    }

    /// Whether small segments are sent at once.
    ///
    /// # Errors
    /// What getsockopt(2) says.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// assert!(!stream.nodelay()?, "off unless told");
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn nodelay(&self) -> io::Result<bool> {
        SockRef::from(self).tcp_nodelay()
    }

    /// How long close(2) goes on sending (`SO_LINGER`), in whole seconds; zero resets.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// stream.set_linger(Some(std::time::Duration::ZERO))?;
    /// drop(stream);
    /// let gone = peer.recv().await.unwrap_err();
    /// assert_eq!(gone.kind(), std::io::ErrorKind::ConnectionReset);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn set_linger(&self, duration: Option<Duration>) -> io::Result<()> {
        let seconds =
            duration.map(|duration| u16::try_from(duration.as_secs()).unwrap_or(u16::MAX));
        sys::set_linger(self.as_fd().as_raw_fd(), seconds)
    }

    /// Hops that packets may take (`IP_TTL`, or `IPV6_UNICAST_HOPS`).
    ///
    /// # Errors
    /// What setsockopt(2) says.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// stream.set_ttl(3)?;
    /// assert_eq!(stream.ttl()?, 3);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        match self.local_addr()? {
            SocketAddr::V4(_) => SockRef::from(self).set_ttl_v4(hops),
            SocketAddr::V6(_) => SockRef::from(self).set_unicast_hops_v6(hops),
        }
    }

    /// Hops that packets may take.
    ///
    /// # Errors
    /// What getsockopt(2) says.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// assert!(stream.ttl()? > 0);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn ttl(&self) -> io::Result<u32> {
        match self.local_addr()? {
            SocketAddr::V4(_) => SockRef::from(self).ttl_v4(),
            SocketAddr::V6(_) => SockRef::from(self).unicast_hops_v6(),
        }
    }

    /// Probes an idle connection after this long (`SO_KEEPALIVE`, `TCP_KEEPIDLE`), in whole
    /// seconds; `None` switches it off.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// stream.set_keepalive(Some(std::time::Duration::from_secs(60)))?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        let socket = SockRef::from(self);
        match idle {
            None => socket.set_keepalive(false),
            Some(idle) => socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(idle)),
        }
    }
}
