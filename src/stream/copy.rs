//! From one connection to another.

use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::pin;
use std::task::Poll;

use crate::net::{ReadHalf, TcpStream, WriteHalf};
use crate::transport::Spliced;

use super::flow::Flow;

/// Sends everything that `from` receives to `to`, until the end of the stream; gives the number of
/// bytes. While `to` is blocked nothing more is read than the connection's receive credit.
///
/// Where many bytes come at a time (256 KiB in batches of 48 KiB and more, a batch being what is taken
/// until the socket is empty) they go from socket to socket inside the kernel, by splice(2) through a pipe of
/// up to 1 MiB; after eight smaller batches in a row they go by chunks again, as they do where there
/// is no pipe. A loop has at most 32 pipes with bytes in them: what a `to` that is blocked can hold
/// is then one pipe full, and the kernel's own buffers. Pipes are kept for later copies, until the
/// loop ends. A process that does not ignore `SIGPIPE` (Rust programs do) has none.
///
/// # Errors
/// The first error of either connection.
///
/// # Cancel safety
/// Nothing is lost: what was received goes to the next reader of `from`, or was begun to be
/// written to `to`, which then sends it; what is in a pipe was.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::{TcpListener, TcpStream};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let mut client = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut server, _) = listener.accept().await?;
/// client.write_all("ping").await.0?;
/// client.shutdown(std::net::Shutdown::Write).await?;
/// let (mut read, mut write) = server.split();
/// assert_eq!(ringio::stream::copy(&mut read, &mut write).await?, 4);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub async fn copy(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> io::Result<u64> {
    let (mut total, mut flow) = (0, Flow::default());
    loop {
        // With room the write is begun at its first poll, so that a chunk which was received is
        // never in the hands of this future alone.
        to.room().await?;
        if !from.has_more() {
            flow.caught_up();
        }
        let source = if flow.is_bulk() { from.source().await? } else { Some(from.recv().await?) };
        match source {
            Some(chunk) if chunk.is_empty() => return Ok(total),
            Some(chunk) => {
                total += chunk.len() as u64;
                if flow.received(chunk.len()) && from.can_splice() {
                    flow.go_bulk();
                }
                to.write_all(chunk).await.0?;
            }
            None => match from.splice_to(to)? {
                Spliced::Write { number, len } => {
                    total += len as u64;
                    flow.spliced(len);
                    to.written(number).await?;
                }
                Spliced::Ended => {}
                Spliced::Refused => flow.go_small(),
            },
        }
    }
}

/// Copies both ways between two connections until both directions have ended; gives the bytes
/// from `a` to `b` and from `b` to `a`. The end of one direction is passed on as a shutdown, and
/// the other goes on.
///
/// # Errors
/// The first error of either connection; the other direction stops.
///
/// # Cancel safety
/// As [`copy`].
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::{TcpListener, TcpStream};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// let mut left = TcpStream::connect(address).await?;
/// let (mut a, _) = listener.accept().await?;
/// let mut right = TcpStream::connect(address).await?;
/// let (mut b, _) = listener.accept().await?;
/// left.write_all("over").await.0?;
/// left.shutdown(std::net::Shutdown::Write).await?;
/// right.shutdown(std::net::Shutdown::Write).await?;
/// let bytes = ringio::stream::copy_bidirectional(&mut a, &mut b).await?;
/// assert_eq!(bytes, (4, 0));
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub async fn copy_bidirectional(a: &mut TcpStream, b: &mut TcpStream) -> io::Result<(u64, u64)> {
    let (mut read_a, mut write_a) = a.split();
    let (mut read_b, mut write_b) = b.split();
    let mut there = pin!(one_way(&mut read_a, &mut write_b));
    let mut back = pin!(one_way(&mut read_b, &mut write_a));
    let (mut sent, mut returned) = (None, None);
    poll_fn(|cx| {
        if sent.is_none()
            && let Poll::Ready(bytes) = there.as_mut().poll(cx)?
        {
            sent = Some(bytes);
        }
        if returned.is_none()
            && let Poll::Ready(bytes) = back.as_mut().poll(cx)?
        {
            returned = Some(bytes);
        }
        match (sent, returned) {
            (Some(sent), Some(returned)) => Poll::Ready(Ok((sent, returned))),
            _ => Poll::Pending,
        }
    })
    .await
}

/// Copies, then passes the end on.
async fn one_way(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> io::Result<u64> {
    let total = copy(from, to).await?;
    match to.shutdown(Shutdown::Write).await {
        // The other side has gone already: there is nobody to pass the end on to.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
        result => result?,
    }
    Ok(total)
}
