//! The result of an operation that takes a buffer.

use std::io;

/// What came of the operation, and the buffer: it is always given back.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::{TcpListener, TcpStream};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let mut stream = TcpStream::connect(listener.local_addr()?).await?;
/// let (result, buffer) = stream.write_all(b"hello").await;
/// result?;
/// assert_eq!(buffer, b"hello");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub type BufResult<T, B> = (io::Result<T>, B);
