//! What a copy goes between: two connections of this loop, and their peers.

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::pin;

use futures_util::future::{Either, select};
use ringio::net::TcpStream;
use ringio::stats;

use crate::support::*;

/// From `left` over `from` and `to` to `right`. The way to `right` is narrow: it holds some hundred
/// kilobytes.
pub(super) struct Line {
    pub(super) left: std::net::TcpStream,
    pub(super) from: TcpStream,
    pub(super) to: TcpStream,
    pub(super) right: std::net::TcpStream,
}

pub(super) fn line() -> Line {
    let ((from, left), (to, right)) = (pair(), narrow_pair());
    Line { left, from, to, right }
}

/// As [`run`], alone in the process, which has as many descriptors afterwards as before.
#[track_caller]
pub(super) fn run_level<T: Send + 'static>(body: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    let _alone = alone();
    let before = descriptors();
    let outcome = run(body);
    assert_eq!(descriptors(), before, "descriptors stay behind");
    outcome
}

/// Lets a copy go on until something else has happened.
pub(super) async fn beside<C: Future<Output: std::fmt::Debug> + Unpin, T>(
    copying: &mut C,
    other: impl Future<Output = T>,
) -> T {
    match select(copying, pin!(other)).await {
        Either::Left((ended, _)) => panic!("the copy ended too early: {ended:?}"),
        Either::Right((output, _)) => output,
    }
}

/// Sends the pattern of places `from..from + len`, in pieces of random lengths.
pub(super) fn send(socket: &std::net::TcpStream, from: usize, len: usize, random: &mut Random) {
    let mut at = 0;
    while at < len {
        let most = if random.below(2) == 0 { 3_000 } else { 300_000 };
        let piece = (1 + random.below(most)).min(len - at);
        (&*socket).write_all(&pattern(from + at, piece)).unwrap();
        at += piece;
    }
}

/// Receives what [`send`] sends.
pub(super) fn receive(socket: &std::net::TcpStream, from: usize, len: usize) {
    let mut bytes = vec![0; len];
    (&*socket).read_exact(&mut bytes).unwrap();
    assert_pattern(from, &bytes);
}

/// Moves `len` bytes, from place `at` on, so that the copy is in bulk afterwards.
pub(super) async fn flow<C: Future<Output: std::fmt::Debug> + Unpin>(
    copying: &mut C,
    (left, right): (&std::net::TcpStream, &std::net::TcpStream),
    at: usize,
    len: usize,
) {
    let before = stats().splices;
    let (sender, receiver) = (left.try_clone().unwrap(), right.try_clone().unwrap());
    let sent = start_peer(move || sender_all(&sender, at, len));
    let received = start_peer(move || receive(&receiver, at, len));
    beside(copying, async {
        sent.await;
        received.await;
    })
    .await;
    assert!(stats().splices > before, "{len} bytes are not bulk");
}

fn sender_all(mut socket: &std::net::TcpStream, at: usize, len: usize) {
    socket.write_all(&pattern(at, len)).unwrap();
}

/// Sends until nothing moves any more, for nobody reads at the other end; gives how much went in.
pub(super) async fn flood<C: Future<Output: std::fmt::Debug> + Unpin>(
    copying: &mut C,
    mut left: &std::net::TcpStream,
    at: usize,
) -> usize {
    let (mut sent, mut refused) = (0, 0);
    left.set_nonblocking(true).unwrap();
    while refused < 1_000 {
        match left.write(&pattern(at + sent, 64 * 1024)) {
            Ok(count) => (sent, refused) = (sent + count, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        refused += 1;
        beside(copying, ringio::yield_now()).await;
    }
    left.set_nonblocking(false).unwrap();
    sent
}

/// What arrives within so many turns of the loop, although no copy is there.
pub(super) async fn arrives(mut right: &std::net::TcpStream, turns: usize) -> Vec<u8> {
    right.set_nonblocking(true).unwrap();
    let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    let mut idle = 0;
    while idle < turns {
        idle += 1;
        match right.read(&mut buffer) {
            Ok(count) => {
                all.extend_from_slice(&buffer[..count]);
                idle = if count == 0 { turns } else { 0 };
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        ringio::yield_now().await;
    }
    right.set_nonblocking(false).unwrap();
    all
}

/// Ends a connection so that its peer sees a reset.
pub(super) fn reset(socket: std::net::TcpStream) {
    socket2::SockRef::from(&socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(socket);
}

pub(super) fn is_gone(error: &io::Error) -> bool {
    [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind())
}
