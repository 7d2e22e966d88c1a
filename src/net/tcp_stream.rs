//! A TCP connection.

use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use uring_sys_shim::sys;

use crate::buf::{BufResult, Chunk, IoBuf, IoBufMut};
use crate::driver::{self, Descriptor};
use crate::transport::{self, ReadExact, ReadInto, Stream};

use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::{ConnectBuilder, ToAddrs};

/// A TCP connection. It belongs to the loop that made it.
///
/// The connection owns its operations, a future only waits for them: what was received for a
/// dropped future goes to the next call, and a write that was begun is finished. Dropping the
/// stream ends both directions and closes the socket in the background: in the loop's next turn, which
/// for a [`Runner`](crate::Runner) that stands still is in its next run, or when it is closed.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::{TcpListener, TcpStream};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let mut client = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut server, _) = listener.accept().await?;
/// client.write_all("ping").await.0?;
/// let chunk = server.recv().await?;
/// server.write_all(chunk).await.0?;
/// let (result, answer) = client.read_exact(vec![0; 4]).await;
/// result?;
/// assert_eq!(answer, b"ping");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct TcpStream {
    handle: Handle,
}

/// Closes the transport when the last user of it goes.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) transport: Rc<Stream>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.transport.is_ending() {
            self.transport.begin_close(false);
        }
    }
}

impl TcpStream {
    pub(crate) fn new(socket: Descriptor) -> TcpStream {
        TcpStream { handle: Handle { transport: Stream::new(socket) } }
    }

    pub(super) fn from_handle(handle: Handle) -> TcpStream {
        TcpStream { handle }
    }

    pub(crate) fn transport(&self) -> &Rc<Stream> {
        &self.handle.transport
    }

    /// Connects, with the defaults of [`ConnectBuilder`].
    ///
    /// # Errors
    /// See [`ConnectBuilder::connect`].
    ///
    /// # Cancel safety
    /// The socket of a dropped future is closed, also if it connects at that moment.
    #[doc(alias = "create_connection")]
    pub async fn connect(address: impl ToAddrs) -> io::Result<TcpStream> {
        Self::builder().connect(address).await
    }

    /// Connects with other settings.
    pub fn builder() -> ConnectBuilder {
        ConnectBuilder::default()
    }

    /// Receives what comes next, as a lease on memory that the kernel filled; an empty chunk is
    /// the end of the stream. At most 256 KiB are received ahead of the reader.
    ///
    /// # Errors
    /// What recv(2) says, e.g. `ConnectionReset`, once all bytes before it were given out.
    ///
    /// # Cancel safety
    /// Nothing is lost: bytes that arrive for a dropped future go to the next call.
    pub async fn recv(&mut self) -> io::Result<Chunk> {
        poll_fn(|cx| self.transport().poll_recv(cx)).await
    }

    /// Reads into the capacity of `buffer`, replacing its contents; 0 is the end of the stream,
    /// or a buffer without capacity.
    ///
    /// # Errors
    /// As [`recv`](TcpStream::recv).
    ///
    /// # Cancel safety
    /// Nothing is lost but the buffer: bytes that arrive for a dropped future go to the next call.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// peer.write_all("news").await.0?;
    /// let (count, buffer) = stream.read(Vec::with_capacity(100)).await;
    /// assert_eq!((count?, &buffer[..]), (4, &b"news"[..]));
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn read<B: IoBufMut>(&mut self, buffer: B) -> impl Future<Output = BufResult<usize, B>> {
        ReadInto::new(self.transport(), buffer)
    }

    /// Reads until the capacity of `buffer` is filled (of a vector, that is its `capacity()`, not
    /// its length), replacing its contents.
    ///
    /// # Errors
    /// As [`recv`](TcpStream::recv); `UnexpectedEof` when the stream ends before. What came until
    /// then is in the buffer.
    ///
    /// # Cancel safety
    /// Nothing is lost but the buffer: the bytes that a dropped future has read go to the next
    /// call. A future that is forgotten (`mem::forget`) keeps those that it has read already.
    pub fn read_exact<B: IoBufMut>(&mut self, buffer: B) -> impl Future<Output = BufResult<(), B>> {
        ReadExact(ReadInto::new(self.transport(), buffer))
    }

    /// Sends all of `buffer`; the count is its length. Same as [`write_all`](TcpStream::write_all),
    /// under the name that generic code expects.
    ///
    /// # Errors
    /// As [`write_all`](TcpStream::write_all).
    ///
    /// # Cancel safety
    /// As [`write_all`](TcpStream::write_all).
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// let (count, buffer) = stream.write("hello").await;
    /// assert_eq!((count?, buffer), (5, "hello"));
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn write<B: IoBuf>(&mut self, buffer: B) -> impl Future<Output = BufResult<usize, B>> {
        transport::write(self.transport(), buffer)
    }

    /// Sends all of `buffer`. The kernel has all of it when this returns.
    ///
    /// # Errors
    /// What send(2) says, e.g. `BrokenPipe` or `ConnectionReset`; SIGPIPE is never raised. An error
    /// stays: later writes return it too.
    ///
    /// # Cancel safety
    /// From the first poll that finds at most 64 KiB of earlier writes queued (as a rule that is
    /// its first poll) the write belongs to the connection: dropping the future loses nothing, it
    /// is still sent whole and in order, or the connection ends and the next call says so. Before,
    /// nothing of it is sent. Dropping or aborting the stream stops it.
    pub fn write_all<B: IoBuf>(&mut self, buffer: B) -> impl Future<Output = BufResult<(), B>> {
        transport::write_all(self.transport(), buffer)
    }

    /// Sends all of several buffers, in order, as one write; the count is their length in all.
    ///
    /// # Errors
    /// As [`write_all`](TcpStream::write_all).
    ///
    /// # Cancel safety
    /// As [`write_all`](TcpStream::write_all).
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// let (count, _buffers) = stream.writev(vec!["status: ", "fine"]).await;
    /// assert_eq!(count?, 12);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "writelines")]
    pub fn writev<B: IoBuf>(
        &mut self,
        buffers: Vec<B>,
    ) -> impl Future<Output = BufResult<usize, Vec<B>>> {
        transport::write_vectored(self.transport(), buffers)
    }

    /// Ends one direction or both. Our direction ends (FIN) behind the last write that was begun;
    /// later writes are `BrokenPipe`. The receiving direction ends at once: what has been received
    /// is still given out, then the end of the stream.
    ///
    /// # Errors
    /// What shutdown(2) says about our direction, e.g. `NotConnected`, or what send(2) has said, if
    /// a write that was begun is lost.
    ///
    /// # Cancel safety
    /// From its first poll on it happens, whether the future is dropped or not; dropping the
    /// stream ends both directions anyway.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// stream.shutdown(std::net::Shutdown::Write).await?;
    /// assert!(peer.recv().await?.is_empty(), "the end of the stream");
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "write_eof")]
    pub async fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        shut_down(self.transport(), how).await
    }

    /// Gives the connection up: queued writes and unread bytes are dropped, and later calls return
    /// `ConnectionAborted`. When the stream is dropped the peer sees `ConnectionReset`.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// stream.abort();
    /// drop(stream);
    /// let gone = peer.recv().await.unwrap_err();
    /// assert_eq!(gone.kind(), std::io::ErrorKind::ConnectionReset);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn abort(&mut self) {
        abort(self.transport());
    }

    /// Sends what was begun, then closes. Unread bytes are dropped, and make the kernel reset the
    /// connection.
    ///
    /// # Errors
    /// What send(2) says, if a write that was begun is lost, or what close(2) says; the connection
    /// is gone in any case.
    ///
    /// # Cancel safety
    /// A dropped future closes at once: writes that were dropped before may be cut off.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// stream.write_all("bye").await.0?;
    /// stream.close().await?;
    /// assert_eq!(&peer.recv().await?[..], b"bye");
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn close(self) -> io::Result<()> {
        self.transport().check_place()?;
        let linger = self.transport().driver().linger();
        let sent = poll_fn(|cx| self.transport().poll_flushed(cx)).await;
        drop(linger);
        self.transport().begin_close(true);
        let closed = poll_fn(|cx| self.transport().poll_closed(cx)).await;
        sent.and(closed)
    }

    /// Splits into two halves that borrow, for one task.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// # peer.write_all("hello").await.0?;
    /// let (mut read, mut write) = stream.split();
    /// let (received, sent) = futures_util::join!(read.recv(), write.write_all("hello"));
    /// assert_eq!(&received?[..], b"hello");
    /// # sent.0?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (ReadHalf(self.transport()), WriteHalf(self.transport()))
    }

    /// Splits into two halves that own the connection together, for two tasks. Dropping the write
    /// half sends FIN; when both are gone the socket is closed.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// let (mut read, mut write) = stream.into_split();
    /// let echo = ringio::spawn(async move { write.write_all(read.recv().await?).await.0 });
    /// peer.write_all("echo").await.0?;
    /// assert_eq!(&peer.recv().await?[..], b"echo");
    /// # echo.await.unwrap()?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let shared = Rc::new(self.handle);
        (OwnedReadHalf(shared.clone()), OwnedWriteHalf::new(shared))
    }

    /// Takes over a connection of the standard library. It becomes blocking, as the ring needs it.
    ///
    /// # Errors
    /// Outside a loop.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// let theirs = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// let mut stream = TcpStream::from_std(theirs)?;
    /// stream.write_all("hello").await.0?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(false)?;
        Ok(Self::new(Descriptor::new(&driver::current::expect()?, stream.into())))
    }

    /// Gives the connection to the standard library, blocking, with the bytes that were received
    /// and not read: they come before what the socket gives.
    ///
    /// # Errors
    /// The connection's error, if one was received or a write that was begun is lost. It is closed
    /// then.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// peer.write_all("onetwo").await.0?;
    /// let (result, _one) = stream.read_exact(Vec::with_capacity(3)).await;
    /// result?;
    /// peer.close().await?;
    /// let (mut stream, mut bytes) = stream.into_std().await?;
    /// std::io::Read::read_to_end(&mut stream, &mut bytes)?;
    /// assert_eq!(bytes, b"two");
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn into_std(self) -> io::Result<(std::net::TcpStream, Vec<u8>)> {
        self.transport().check_place()?;
        poll_fn(|cx| self.transport().poll_flushed(cx)).await?;
        let (fd, leftover) = poll_fn(|cx| self.transport().poll_release(cx)).await?;
        Ok((fd.into(), leftover))
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.transport().as_fd()
    }
}

pub(super) async fn shut_down(transport: &Rc<Stream>, how: Shutdown) -> io::Result<()> {
    transport.check_loop()?;
    if how != Shutdown::Write {
        transport.shut_down_reading()?;
    }
    if how == Shutdown::Read {
        return Ok(());
    }
    transport.ask_shutdown()?;
    poll_fn(|cx| transport.poll_shut_down(cx)).await
}

pub(super) fn abort(transport: &Rc<Stream>) {
    // A socket that is not connected any more has nothing to reset.
    let _ = sys::set_linger(transport.fd(), Some(0));
    transport.abort();
}
