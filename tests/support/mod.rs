//! What the tests of sockets share: a watchdog, peers of the standard library, bytes that tell
//! their place.

#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

mod fate;
mod host;
mod load;
mod peer;
mod watchdog;

use std::future::poll_fn;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::LazyLock;
use std::task::Poll;

use nix::sys::socket::{MsgFlags, recv};
use ringio::net::TcpStream;

pub(crate) use fate::Fate;
pub(crate) use host::own_host;
pub(crate) use load::{Seen, alone, descriptors, level, loops, repetitions};
pub(crate) use peer::{peer, start_peer};
pub(crate) use watchdog::bounded as within;

/// Runs a test on a loop of its own, with the watchdog.
#[track_caller]
pub(crate) fn run<T: Send + 'static>(body: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    within(move || ringio::run(body()))
}

/// Two connected sockets of the standard library.
pub(crate) fn std_pair() -> (std::net::TcpStream, std::net::TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let client = std::net::TcpStream::connect(address).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// A connection of this loop, and its peer.
pub(crate) fn pair() -> (TcpStream, std::net::TcpStream) {
    let (ours, peer) = std_pair();
    (TcpStream::from_std(ours).unwrap(), peer)
}

/// As [`pair`], with kernel buffers that take some hundred kilobytes: more than that is sent only
/// as the other end reads.
pub(crate) fn narrow_pair() -> (TcpStream, std::net::TcpStream) {
    let (ours, peer) = std_pair();
    for socket in [&ours, &peer] {
        let socket = socket2::SockRef::from(socket);
        socket.set_send_buffer_size(64 * 1024).unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
    }
    (TcpStream::from_std(ours).unwrap(), peer)
}

/// Two connected streams of this loop.
pub(crate) fn ring_pair() -> (TcpStream, TcpStream) {
    let (ours, peer) = std_pair();
    (TcpStream::from_std(ours).unwrap(), TcpStream::from_std(peer).unwrap())
}

/// Polls a future once.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

/// Lets the loop turn until a condition holds; the watchdog bounds it.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        ringio::yield_now().await;
    }
}

/// Lets the loop turn so often that all that is there has been routed.
pub(crate) async fn settle() {
    for _ in 0..20 {
        ringio::yield_now().await;
    }
}

/// Bytes that wait in the kernel (at most as many as fit in `room`), which stay there.
pub(crate) fn waiting(socket: &impl AsFd, room: usize) -> usize {
    let mut buffer = vec![0; room];
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    recv(socket.as_fd().as_raw_fd(), &mut buffer, flags).unwrap_or(0)
}

/// The pattern's period: no size or boundary of anything is a multiple of it.
const PERIOD: usize = 65_537;

static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random(1);
    (0..PERIOD).map(|_| random.next() as u8).collect()
});

/// The bytes of places `from..from + len`: each depends on its place, so that a lost, doubled or
/// moved piece shows.
pub(crate) fn pattern(from: usize, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let rest = &TABLE[(from + bytes.len()) % PERIOD..];
        bytes.extend_from_slice(&rest[..rest.len().min(len - bytes.len())]);
    }
    bytes
}

/// Fails at the first byte that is not the pattern's.
#[track_caller]
pub(crate) fn assert_pattern(from: usize, bytes: &[u8]) {
    let expected = pattern(from, bytes.len());
    if expected != bytes {
        let at = expected.iter().zip(bytes).position(|(a, b)| a != b).unwrap();
        panic!("wrong byte at place {} ({at} of {})", from + at, bytes.len());
    }
}

/// Random numbers, the same for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// What a descriptor names, for [`is_open`].
pub(crate) fn identity(socket: &impl AsFd) -> String {
    let link = format!("/proc/self/fd/{}", socket.as_fd().as_raw_fd());
    std::fs::read_link(link).unwrap().to_str().unwrap().to_owned()
}

/// Whether this process has a descriptor of a socket.
pub(crate) fn is_open(identity: &str) -> bool {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    all.flatten().any(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|link| link.to_str() == Some(identity))
    })
}
