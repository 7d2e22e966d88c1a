//! Peers that never read: what is written to them stays under the high-water mark.

use std::net::TcpStream as StdStream;
use std::time::Duration;

use ringio::net::TcpStream;
use ringio::{Runner, spawn, timeout, yield_now};

use crate::support::*;

use super::letters::{Copy, Letter, Pace};

/// Writes are admitted while at most so many bytes are queued.
const HIGH_WATER: usize = 64 * 1024;

/// The largest write.
const LARGEST: usize = 40_000;

/// A connection whose peer does not read, and all letters to it.
struct Unread {
    stream: TcpStream,
    peer: StdStream,
    copies: Vec<Copy>,
    random: Random,
}

impl Unread {
    fn new(seed: u64) -> Unread {
        let (stream, peer) = narrow_pair();
        Unread { stream, peer, copies: Vec::new(), random: Random(seed) }
    }

    /// Begins a write that nobody awaits for long; says whether it was admitted.
    async fn write(&mut self) -> bool {
        let len = self.random.below(LARGEST - 8);
        let (letter, copy) = Letter::new(self.copies.len() as u32, len);
        self.copies.push(copy);
        match self.random.below(4) {
            0 => drop(poll_once(&mut Box::pin(self.stream.write(letter))).await),
            1 => {
                let letters = vec![letter, Letter::empty()];
                drop(poll_once(&mut Box::pin(self.stream.writev(letters))).await);
            }
            2 => {
                let mut write = self.stream.split().1;
                let mut write = Box::pin(write.write_all(letter));
                for _ in 0..3 {
                    drop(poll_once(&mut write).await);
                    yield_now().await;
                    if !self.copies.last().unwrap().is_held() {
                        break;
                    }
                }
            }
            _ => {
                let limit = Duration::from_nanos(1 + self.random.below(20_000) as u64);
                drop(timeout(limit, self.stream.write_all(letter)).await);
            }
        }
        self.copies.last().unwrap().is_admitted()
    }

    /// Bytes of the letters that the connection holds.
    fn held(&self) -> usize {
        self.copies.iter().filter(|copy| copy.is_held()).map(Copy::len).sum()
    }

    /// The letters that count: those that were admitted, and no other.
    fn admitted(&self) -> Vec<u32> {
        self.copies.iter().filter(|copy| copy.is_admitted()).map(|copy| copy.number).collect()
    }
}

/// Pages of memory that the process has in use.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Echoes a number of messages; its peer is a thread.
async fn neighbour(messages: usize) {
    let (mut stream, mut other) = pair();
    let server = spawn(async move {
        loop {
            let chunk = stream.recv().await.unwrap();
            if chunk.is_empty() {
                break;
            }
            stream.write_all(chunk).await.0.unwrap();
        }
    });
    peer(move || {
        for number in 0..messages {
            let bytes = pattern(number, 1 + number % 3_000);
            std::io::Write::write_all(&mut other, &bytes).unwrap();
            let mut back = vec![0; bytes.len()];
            std::io::Read::read_exact(&mut other, &mut back).unwrap();
            assert_eq!(bytes, back);
        }
    })
    .await;
    server.await.unwrap();
}

#[test]
fn peers_that_never_read_hold_one_mark_each_and_nobody_up() {
    const PEERS: usize = 20;
    const WRITES: usize = 400;
    let _alone = alone();
    run(async || {
        let mut all: Vec<_> = (0..PEERS as u64).map(Unread::new).collect();
        let neighbour = spawn(neighbour(1_000));
        let (mut attempts, mut admitted, mut bytes, mut most) = (0, 0, 0, 0);
        let before = resident();
        for round in 0..WRITES {
            for unread in &mut all {
                attempts += 1;
                admitted += usize::from(unread.write().await);
                bytes += unread.copies.last().unwrap().len();
                let held = unread.held();
                most = most.max(held);
                // The first of the queue counts less than its length once a part of it is sent.
                let bound = HIGH_WATER + 2 * LARGEST;
                assert!(held <= bound, "{held} bytes are held, of {bound}");
            }
            if round % 8 == 0 {
                yield_now().await;
            }
        }
        // What was refused is gone; the kernel's buffers and the allocator's are not ours.
        let grown = resident().saturating_sub(before) * 4096;
        let kept: usize = all.iter().map(Unread::held).sum();
        assert!(grown < 32 << 20, "{grown} bytes more in use, after writes of {bytes}");
        neighbour.await.unwrap();
        println!(
            "peers that never read: {attempts} writes of {bytes} bytes in all, {admitted} \
             admitted, at most {most} bytes held for one peer, {kept} in the end for {PEERS}"
        );
        assert!(attempts - admitted > attempts / 2, "the peers were meant to block");
        // Once they read, they see what was admitted, and nothing of the rest.
        for mut unread in all {
            unread.copies.iter().for_each(|copy| assert!(!copy.is_held() || copy.is_admitted()));
            let pace = Pace::random(&mut unread.random);
            let reader = spawn(pace.read(unread.peer.try_clone().unwrap(), 1, usize::MAX));
            let admitted = unread.admitted();
            drop(unread.peer);
            unread.stream.close().await.unwrap();
            let received = reader.await.unwrap();
            assert_eq!(received.numbers, admitted);
            assert!(received.torn.is_empty() && !received.reset);
        }
    });
}

/// Fills a connection until no write is admitted.
async fn filled(seed: u64) -> Unread {
    let mut unread = Unread::new(seed);
    let mut refused = 0;
    while refused < 30 {
        refused = if unread.write().await { 0 } else { refused + 1 };
        yield_now().await;
    }
    assert!(unread.held() > HIGH_WATER, "it was meant to be full");
    unread
}

/// However it is closed: what cannot be sent does not keep the descriptor, nor a letter.
#[test]
fn a_connection_to_a_peer_that_never_reads_ends_when_it_is_told_to() {
    let _alone = alone();
    run(async || {
        let base = descriptors();
        for way in 0..5 {
            let Unread { mut stream, peer, copies, .. } = filled(way).await;
            let socket = identity(&stream);
            match way {
                // It waits to send what it has, which is never, until its future is dropped.
                0 => {
                    let mut close = Box::pin(stream.close());
                    assert!(poll_once(&mut close).await.is_pending());
                    settle().await;
                    assert!(poll_once(&mut close).await.is_pending());
                }
                1 => drop(timeout(Duration::from_millis(1), stream.close()).await.unwrap_err()),
                2 => {
                    stream.abort();
                    // What is lost is told.
                    stream.close().await.unwrap_err();
                }
                3 => {
                    // A task that waits for room, and is cancelled.
                    let writer = spawn(async move { stream.write_all(vec![1; 100]).await.0 });
                    settle().await;
                    assert!(!writer.is_finished());
                    writer.cancel();
                    writer.await.unwrap_err();
                }
                _ => drop(stream),
            }
            until(|| !is_open(&socket)).await;
            until(|| copies.iter().all(|copy| !copy.is_held())).await;
            drop(peer);
            until(|| descriptors() == base).await;
        }
    });
}

/// The loop ends, too.
#[test]
fn a_loop_ends_beside_peers_that_never_read() {
    let _alone = alone();
    within(|| {
        let before = descriptors();
        let mut runner = Runner::builder().build().unwrap();
        let (copies, _peers) = runner
            .run(async {
                let (mut copies, mut peers) = (Vec::new(), Vec::new());
                for seed in 0..20 {
                    let Unread { mut stream, peer, copies: some, .. } = filled(seed).await;
                    copies.extend(some);
                    peers.push(peer);
                    drop(spawn(async move { stream.write_all(vec![1; 100]).await.0 }));
                }
                settle().await;
                (copies, peers)
            })
            .unwrap();
        drop(runner);
        assert!(copies.iter().all(|copy| !copy.is_held()));
        assert_eq!(descriptors(), before + 20, "the peers' own are left");
    });
}
