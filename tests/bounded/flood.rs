//! Floods at tasks that do not read, or not any more, counted in bytes that the process received.

use std::io::{ErrorKind, Write};
use std::net::TcpStream as StdStream;
use std::os::fd::{AsFd, OwnedFd};
use std::task::Poll;

use ringio::net::{OwnedReadHalf, OwnedWriteHalf, TcpStream};
use ringio::{Runner, timeout, yield_now};

use crate::support::*;

use super::measure::received;

/// Bytes of a kernel-filled buffer on these loops.
const BUFFER: usize = 16 * 1024;

/// Bytes of a `read` that the kernel fills directly.
const LARGE: usize = 40_000;

/// The most that a connection may have taken in ahead of its reader: one credit, which is 256 KiB
/// where the kernel can bound a multishot receive, and one buffer elsewhere.
fn credit() -> usize {
    let one_shot = ringio::support().to_string().contains("one-shot receives");
    if one_shot { BUFFER } else { 256 * 1024 }
}

/// What a task does before it reads no more.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Habit {
    Nothing,
    /// A `recv` that was dropped, or lost to a deadline.
    Recv,
    /// Some chunks, a deadline on each.
    Chunks(usize),
    /// A few bytes of what has come.
    Crumbs,
    /// A `read` of so much that the kernel fills the buffer itself, dropped in flight.
    Large,
    /// The same behind a `recv` that was dropped.
    RecvThenLarge,
    /// A `read_exact` that was dropped half-way.
    Exact,
}

const HABITS: [Habit; 8] = [
    Habit::Nothing,
    Habit::Recv,
    Habit::Chunks(1),
    Habit::Chunks(20),
    Habit::Crumbs,
    Habit::Large,
    Habit::RecvThenLarge,
    Habit::Exact,
];

impl Habit {
    /// The most that may be taken in at a time and was not read.
    fn bound(self) -> usize {
        match self {
            Habit::Nothing => 0,
            Habit::Large => LARGE,
            Habit::RecvThenLarge => credit().max(LARGE),
            // One receive may have ended with what is in the caller's buffer, and its successor
            // begun.
            Habit::Exact => LARGE + credit(),
            _ => credit(),
        }
    }
}

/// A connection in two halves, of which the writing one stays in use.
struct Flooded {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    peer: StdStream,
    /// The same socket, to measure: the halves do not show theirs.
    socket: OwnedFd,
    habit: Habit,
    /// Bytes the peer has sent, and bytes the task has got.
    sent: usize,
    got: usize,
    most: usize,
}

impl Flooded {
    fn new(habit: Habit) -> Flooded {
        let (stream, peer) = narrow_pair();
        peer.set_nonblocking(true).unwrap();
        let socket = stream.as_fd().try_clone_to_owned().unwrap();
        let (read, write) = stream.into_split();
        Flooded { read, write, peer, socket, habit, sent: 0, got: 0, most: 0 }
    }

    /// Sends as much as goes; says whether any went.
    fn send(&mut self) -> bool {
        match self.peer.write(&pattern(self.sent, 64 * 1024)) {
            Ok(count) => self.sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => panic!("{error}"),
        }
        true
    }

    fn take(&mut self, bytes: &[u8]) {
        assert_pattern(self.got, bytes);
        self.got += bytes.len();
    }

    /// Follows the habit while the flood goes on.
    async fn indulge(&mut self) {
        match self.habit {
            Habit::Nothing => {}
            Habit::Recv => {
                assert!(poll_once(&mut Box::pin(self.read.recv())).await.is_pending());
                let limit = std::time::Duration::from_micros(200);
                assert!(timeout(limit, self.read.recv()).await.is_err());
            }
            Habit::Chunks(count) => {
                for _ in 0..count {
                    self.send();
                    let chunk = self.read.recv().await.unwrap();
                    self.take(&chunk);
                    self.check();
                }
                // What is granted for the last one.
                let polled = poll_once(&mut Box::pin(self.read.recv())).await;
                if let Poll::Ready(chunk) = polled {
                    self.take(&chunk.unwrap());
                }
            }
            Habit::Crumbs => {
                assert!(poll_once(&mut Box::pin(self.read.recv())).await.is_pending());
                self.send();
                for _ in 0..10 {
                    let (count, bytes) = self.read.read(Vec::with_capacity(7)).await;
                    assert_eq!(count.unwrap(), 7);
                    self.take(&bytes);
                    self.check();
                    settle().await;
                }
            }
            Habit::Large => self.drop_large().await,
            Habit::RecvThenLarge => {
                assert!(poll_once(&mut Box::pin(self.read.recv())).await.is_pending());
                settle().await;
                self.drop_large().await;
            }
            Habit::Exact => {
                let mut read = Box::pin(self.read.read_exact(Vec::with_capacity(LARGE)));
                assert!(poll_once(&mut read).await.is_pending());
                settle().await;
                let count = self.peer.write(&pattern(self.sent, 1000)).unwrap();
                settle().await;
                assert!(poll_once(&mut read).await.is_pending());
                drop(read);
                self.sent += count;
            }
        }
    }

    async fn drop_large(&mut self) {
        let mut read = Box::pin(self.read.read(Vec::with_capacity(LARGE)));
        assert!(poll_once(&mut read).await.is_pending());
        settle().await;
        assert!(poll_once(&mut read).await.is_pending());
    }

    /// What the process has of it and the task has not got stays under the bound.
    fn check(&mut self) {
        let ahead = received(&self.socket) - self.got;
        self.most = self.most.max(ahead);
        let (habit, bound) = (self.habit, self.habit.bound());
        assert!(ahead <= bound, "{habit:?}: {ahead} bytes ahead of the reader, of {bound}");
    }

    /// The measure itself: what comes out is what was taken in.
    async fn count_the_rest(mut self) -> usize {
        let ahead = received(&self.socket) - self.got;
        let stream: TcpStream = self.read.reunite(self.write).unwrap();
        let (_socket, leftover) = stream.into_std().await.unwrap();
        assert_pattern(self.got, &leftover);
        self.got += leftover.len();
        assert!(self.sent > self.got + 64 * 1024, "{:?}: the flood was too short", self.habit);
        assert_eq!(ahead, leftover.len(), "{:?}", self.habit);
        self.most
    }
}

/// Floods connections of all habits; gives the most that was ahead of any reader.
async fn flood(count: usize) -> usize {
    let mut all: Vec<_> =
        (0..count).map(|number| Flooded::new(HABITS[number % HABITS.len()])).collect();
    for flooded in &mut all {
        flooded.indulge().await;
    }
    let mut refused = 0;
    while refused < 50 {
        let went = all.iter_mut().filter_map(|flooded| flooded.send().then_some(())).count();
        refused = if went == 0 { refused + 1 } else { 0 };
        for flooded in &mut all {
            flooded.check();
            if refused % 16 == 1 {
                // The other direction goes on.
                flooded.write.write_all("still here").await.0.unwrap();
            }
        }
        yield_now().await;
    }
    let mut most = 0;
    for flooded in all {
        most = most.max(flooded.count_the_rest().await);
    }
    most
}

fn on_a_loop(count: usize, buffers: u16) -> usize {
    let _alone = alone();
    within(move || {
        let builder = Runner::builder().buffers(buffers, BUFFER as u32);
        builder.build().unwrap().run(flood(count)).unwrap()
    })
}

#[test]
fn one_connection_takes_in_one_credit_whatever_its_reader_did() {
    let most = on_a_loop(HABITS.len(), 64);
    println!("flood, each habit once: at most {most} bytes ahead of a reader, of {}", credit());
}

#[test]
fn fifty_connections_take_in_one_credit_each() {
    let most = on_a_loop(50, 128);
    println!("flood, 50 connections: at most {most} bytes ahead of a reader, of {}", credit());
}

/// The parked bytes move to the heap; they must not become more.
#[test]
fn fifty_connections_take_in_one_credit_each_from_four_buffers() {
    let most = on_a_loop(50, 4);
    println!("flood, four buffers: at most {most} bytes ahead of a reader, of {}", credit());
}
