//! The two directions of a connection, apart.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;

use crate::buf::{BufResult, Chunk, IoBuf, IoBufMut};
use crate::transport::{self, ReadExact, ReadInto, Spliced, Stream};

use super::TcpStream;
use super::tcp_stream::{Handle, abort, shut_down};

/// The reading half of a borrowed connection; see [`TcpStream::split`].
///
/// # Examples
/// ```
/// # ringio::run(async {
/// # use ringio::net::{TcpListener, TcpStream};
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
/// # let (mut peer, _) = listener.accept().await?;
/// let (mut read, _write) = stream.split();
/// peer.write_all("hello").await.0?;
/// let (result, bytes) = read.read_exact(Vec::with_capacity(5)).await;
/// result?;
/// assert_eq!(bytes, b"hello");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct ReadHalf<'a>(pub(super) &'a Rc<Stream>);

/// The writing half of a borrowed connection; see [`TcpStream::split`].
///
/// # Examples
/// ```
/// # ringio::run(async {
/// # use ringio::net::{TcpListener, TcpStream};
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
/// # let (mut peer, _) = listener.accept().await?;
/// let (_read, mut write) = stream.split();
/// write.write_all("hello").await.0?;
/// assert_eq!(&peer.recv().await?[..], b"hello");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct WriteHalf<'a>(pub(super) &'a Rc<Stream>);

/// The reading half of a connection; see [`TcpStream::into_split`].
///
/// # Examples
/// ```
/// # ringio::run(async {
/// # use ringio::net::{TcpListener, TcpStream};
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
/// # let (mut peer, _) = listener.accept().await?;
/// let (mut read, _write) = stream.into_split();
/// peer.write_all("hello").await.0?;
/// assert_eq!(&read.recv().await?[..], b"hello");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct OwnedReadHalf(pub(super) Rc<Handle>);

/// The writing half of a connection; see [`TcpStream::into_split`]. Dropping it sends FIN behind
/// the last write that was begun.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// # use ringio::net::{TcpListener, TcpStream};
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
/// # let (mut peer, _) = listener.accept().await?;
/// let (_read, mut write) = stream.into_split();
/// write.write_all("last words").await.0?;
/// drop(write);
/// assert_eq!(&peer.recv().await?[..], b"last words");
/// assert!(peer.recv().await?.is_empty(), "the end of the stream");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct OwnedWriteHalf {
    handle: Option<Rc<Handle>>,
}

impl ReadHalf<'_> {
    pub(crate) fn transport(&self) -> &Rc<Stream> {
        self.0
    }

    /// Whether the next bytes are there already.
    pub(crate) fn has_more(&self) -> bool {
        self.transport().has_more()
    }

    /// Whether bytes could be moved with [`splice_to`](ReadHalf::splice_to) now.
    pub(crate) fn can_splice(&self) -> bool {
        self.transport().can_splice()
    }

    /// Waits for the next chunk, as `recv`, or until bytes can be moved with
    /// [`splice_to`](ReadHalf::splice_to): `None`.
    pub(crate) async fn source(&mut self) -> io::Result<Option<Chunk>> {
        poll_fn(|cx| self.transport().poll_source(cx)).await
    }

    /// Begins to write what has arrived to `to`, without a wait.
    pub(crate) fn splice_to(&mut self, to: &mut WriteHalf<'_>) -> io::Result<Spliced> {
        self.transport().splice_to(to.transport())
    }
}

impl WriteHalf<'_> {
    pub(crate) fn transport(&self) -> &Rc<Stream> {
        self.0
    }

    /// Waits until a write belongs to the connection from its first poll on.
    pub(crate) async fn room(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.transport().poll_room(cx)).await
    }

    /// Waits until the write with this number is sent.
    pub(crate) async fn written(&mut self, number: u64) -> io::Result<()> {
        poll_fn(|cx| self.transport().poll_written(number, cx)).await
    }
}

impl OwnedReadHalf {
    fn transport(&self) -> &Rc<Stream> {
        &self.0.transport
    }

    /// Puts the halves of one connection together again.
    ///
    /// # Errors
    /// Gives both back if they are of different connections.
    ///
    /// # Examples
    /// ```
    /// # ringio::run(async {
    /// # use ringio::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut peer, _) = listener.accept().await?;
    /// let (read, write) = stream.into_split();
    /// let mut stream = read.reunite(write).expect("they are of one connection");
    /// stream.write_all("whole").await.0?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    #[expect(clippy::missing_panics_doc, reason = "the two halves are all that share the handle")]
    pub fn reunite(
        self,
        mut write: OwnedWriteHalf,
    ) -> Result<TcpStream, (OwnedReadHalf, OwnedWriteHalf)> {
        match write.handle.take() {
            Some(handle) if Rc::ptr_eq(&handle, &self.0) => {
                drop(handle);
                let handle = Rc::into_inner(self.0).expect("there are two halves only");
                Ok(TcpStream::from_handle(handle))
            }
            handle => {
                write.handle = handle;
                Err((self, write))
            }
        }
    }
}

impl OwnedWriteHalf {
    pub(super) fn new(handle: Rc<Handle>) -> OwnedWriteHalf {
        OwnedWriteHalf { handle: Some(handle) }
    }

    fn transport(&self) -> &Rc<Stream> {
        let handle = self.handle.as_ref().expect("only `reunite` takes it, and with it the half");
        &handle.transport
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            // On a loop that has ended the socket is closed soon, which sends FIN as well.
            let _ = handle.transport.ask_shutdown();
        }
    }
}

/// The reading methods, as [`TcpStream`] has them.
macro_rules! reading {
    ($($half:ty),*) => { $(
        impl $half {
            /// See [`TcpStream::recv`].
            ///
            /// # Errors
            /// As there.
            pub async fn recv(&mut self) -> io::Result<Chunk> {
                poll_fn(|cx| self.transport().poll_recv(cx)).await
            }

            /// See [`TcpStream::read`].
            ///
            /// # Errors
            /// As there.
            pub fn read<B: IoBufMut>(
&mut self,
buffer: B,
) -> impl Future<Output = BufResult<usize, B>> {
                ReadInto::new(self.transport(), buffer)
            }

            /// See [`TcpStream::read_exact`].
            ///
            /// # Errors
            /// As there.
            pub fn read_exact<B: IoBufMut>(
&mut self,
buffer: B,
) -> impl Future<Output = BufResult<(), B>> {
                ReadExact(ReadInto::new(self.transport(), buffer))
            }
        }

        impl fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($half)).field(self.transport()).finish()
            }
        }
    )* };
}

/// The writing methods, as [`TcpStream`] has them.
macro_rules! writing {
    ($($half:ty),*) => { $(
        impl $half {
            /// See [`TcpStream::write`].
            ///
            /// # Errors
            /// As there.
            pub fn write<B: IoBuf>(
&mut self,
buffer: B,
) -> impl Future<Output = BufResult<usize, B>> {
                transport::write(self.transport(), buffer)
            }

            /// See [`TcpStream::write_all`].
            ///
            /// # Errors
            /// As there.
            pub fn write_all<B: IoBuf>(
&mut self,
buffer: B,
) -> impl Future<Output = BufResult<(), B>> {
                transport::write_all(self.transport(), buffer)
            }

            /// See [`TcpStream::writev`].
            ///
            /// # Errors
            /// As there.
            pub fn writev<B: IoBuf>(
&mut self,
buffers: Vec<B>,
) -> impl Future<Output = BufResult<usize, Vec<B>>> {
                transport::write_vectored(self.transport(), buffers)
            }

            /// See [`TcpStream::shutdown`].
            ///
            /// # Errors
            /// As there.
            pub async fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
                shut_down(self.transport(), how).await
            }

            /// See [`TcpStream::abort`].
            pub fn abort(&mut self) {
                abort(self.transport());
            }
        }

        impl fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($half)).field(self.transport()).finish()
            }
        }
    )* };
}

reading!(ReadHalf<'_>, OwnedReadHalf);
writing!(WriteHalf<'_>, OwnedWriteHalf);
