//! Those who hold buffers for ever, and the neighbours who need some. All peers act between the
//! polls of the loop's own thread, so that turns can be counted.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use ringio::net::TcpStream;
use ringio::time::sleep;
use ringio::{Chunk, JoinHandle, Runner, spawn, yield_now};

use crate::support::*;

/// Turns that a receive may wait for a buffer before it gets other memory, and those that the
/// rest of one receive and one answer may take.
const TURNS: usize = 16 + 12;

/// A task that runs once in each turn.
fn count_turns() -> (Rc<Cell<usize>>, JoinHandle<()>) {
    let turns = Rc::new(Cell::new(0));
    let theirs = turns.clone();
    let task = spawn(async move {
        loop {
            theirs.set(theirs.get() + 1);
            yield_now().await;
        }
    });
    (turns, task)
}

/// Leaves one byte of each two unread, for ever.
struct Slow {
    stream: TcpStream,
    peer: StdStream,
    sent: usize,
    got: usize,
}

impl Slow {
    async fn new() -> Slow {
        let (mut stream, peer) = pair();
        // One receive is under way, and the task looks at nothing that it brings.
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        let mut slow = Slow { stream, peer, sent: 0, got: 0 };
        slow.send(1);
        slow
    }

    fn send(&mut self, count: usize) {
        assert_eq!(self.peer.write(&pattern(self.sent, count)).unwrap(), count);
        self.sent += count;
    }

    /// Two bytes more of which it reads one, so that one stays unread.
    async fn again(&mut self) {
        self.send(1);
        let (count, bytes) = self.stream.read(Vec::with_capacity(1)).await;
        assert_eq!(count.unwrap(), 1);
        assert_pattern(self.got, &bytes);
        self.got += 1;
    }
}

/// Keeps every chunk that it gets, up to a number of bytes.
struct Hoarder {
    stream: TcpStream,
    peer: StdStream,
    sent: usize,
    got: usize,
    kept: Vec<Chunk>,
}

impl Hoarder {
    fn new() -> Hoarder {
        let (stream, peer) = pair();
        Hoarder { stream, peer, sent: 0, got: 0, kept: Vec::new() }
    }

    async fn hoard(&mut self, len: usize) {
        assert_eq!(self.peer.write(&pattern(self.sent, len)).unwrap(), len);
        self.sent += len;
        while self.got < self.sent {
            let chunk = self.stream.recv().await.unwrap();
            assert_pattern(self.got, &chunk);
            self.got += chunk.len();
            self.kept.push(chunk);
        }
    }

    /// How many of its chunks are memory of the pool.
    fn leases(&self) -> usize {
        self.kept.iter().filter(|chunk| !format!("{chunk:?}").contains("heap")).count()
    }

    fn check(&self) {
        let mut at = 0;
        for chunk in &self.kept {
            assert_pattern(at, chunk);
            at += chunk.len();
        }
    }
}

async fn echo(mut stream: TcpStream) {
    loop {
        let chunk = stream.recv().await.unwrap();
        if chunk.is_empty() {
            break;
        }
        stream.write_all(chunk).await.0.unwrap();
    }
}

/// Sends messages of all sizes to a server and gets each back within the turns that its receives
/// may take; gives the most turns of one receive.
async fn neighbour(messages: usize, turns: Rc<Cell<usize>>, smallest: usize, seed: u64) -> usize {
    let (stream, mut other) = pair();
    stream.set_nodelay(true).unwrap();
    let server = spawn(echo(stream));
    other.set_nonblocking(true).unwrap();
    let (mut random, mut at, mut most) = (Random(seed), 0, 0);
    for _ in 0..messages {
        let len = 1 + random.below(9_000);
        assert_eq!(other.write(&pattern(at, len)).unwrap(), len);
        let (mut back, mut buffer) = (Vec::new(), vec![0; len]);
        let (begun, receives) = (turns.get(), len.div_ceil(smallest));
        while back.len() < len {
            match other.read(&mut buffer) {
                Ok(count) => back.extend_from_slice(&buffer[..count]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            let taken = turns.get() - begun;
            assert!(
                taken <= TURNS * (1 + receives),
                "{} of {len} bytes are back after {taken} turns",
                back.len()
            );
            yield_now().await;
        }
        most = most.max((turns.get() - begun) / receives);
        assert_pattern(at, &back);
        at += len;
    }
    drop(other);
    server.await.unwrap();
    most
}

/// Everybody at once: 64 that leave a byte, one that keeps all it gets if `hoard`, three who
/// behave. Gives the most turns of one receive, and those in all.
async fn together(count: usize, size: usize, hoard: bool, seed: u64) -> (usize, usize) {
    let (turns, counter) = count_turns();
    let mut slow = Vec::new();
    for _ in 0..64 {
        slow.push(Slow::new().await);
    }
    // Those 64 stand in one line for the first time.
    for _ in 0..100 {
        yield_now().await;
    }
    let mut hoarder = Hoarder::new();
    if hoard {
        for round in 0..count * 4 {
            hoarder.hoard(if round % 2 == 0 { 1 } else { size }).await;
        }
        assert!(hoarder.leases() > 0, "it was meant to lease");
    }
    let neighbours: Vec<_> = (0..3)
        .map(|number| spawn(neighbour(300, turns.clone(), size, 3 * seed + number)))
        .collect();
    let mut round = 0;
    while neighbours.iter().any(|task| !task.is_finished()) {
        round += 1;
        // Without a hoarder those bytes alone must not hold the pool: they stay where they are.
        if hoard {
            slow[round % 64].again().await;
        }
        if hoard && round % 20 == 0 && hoarder.got < 1 << 20 {
            hoarder.hoard(1 + round % 3_000).await;
        }
        yield_now().await;
    }
    let mut most = 0;
    for neighbour in neighbours {
        most = most.max(neighbour.await.unwrap());
    }
    hoarder.check();
    for slow in &mut slow {
        let (result, rest) = slow.stream.read_exact(vec![0; slow.sent - slow.got]).await;
        result.unwrap();
        assert_pattern(slow.got, &rest);
        slow.got = slow.sent;
        slow.again().await;
    }
    counter.cancel();
    (most, turns.get())
}

/// Number and size of buffers.
const POOLS: [(u16, u32); 4] = [(4, 4096), (8, 1024), (16, 512), (5, 16 * 1024)];

fn on_small_pools(hoard: bool, repetitions: std::ops::Range<u64>) -> usize {
    let mut worst = 0;
    for (seed, (count, size)) in repetitions.flat_map(|seed| POOLS.map(|pool| (seed, pool))) {
        let (most, turns) = within(move || {
            let builder = Runner::builder().buffers(count, size);
            let everybody = together(usize::from(count), size as usize, hoard, seed);
            builder.build().unwrap().run(everybody).unwrap()
        });
        println!(
            "{count} buffers of {size}, {}: at most {most} turns for one receive and its answer, \
             {turns} turns in all",
            if hoard { "some kept" } else { "none kept" },
        );
        worst = worst.max(most);
    }
    worst
}

#[test]
fn small_pools_serve_neighbours_of_slow_peers_and_hoarders_within_bounded_turns() {
    let _alone = alone();
    on_small_pools(true, repetitions(2));
}

/// What nobody reads is moved to the heap, so that the pool serves those who read: they need not
/// stand in line until they get other memory.
#[test]
fn the_bytes_of_slow_peers_do_not_hold_the_pool() {
    let _alone = alone();
    let worst = on_small_pools(false, repetitions(2));
    assert!(worst < 16, "a receive took {worst} turns");
}

/// With all buffers held, a loop of readers whose peers are silent waits: it must not spin until
/// a buffer comes back.
#[test]
fn with_every_buffer_held_a_loop_with_nothing_to_do_parks() {
    const PAUSES: i64 = 20;
    let _alone = alone();
    within(|| {
        let mut runner = Runner::builder().buffers(4, 4096).build().unwrap();
        let everybody = async {
            let mut hoarder = Hoarder::new();
            // Each is taken at once: what is parked for a turn may be moved to the heap.
            for _ in 0..4 * 4 {
                hoarder.hoard(4096).await;
            }
            assert_eq!(hoarder.leases(), 4, "the pool is meant to be dry");
            let (mut readers, mut peers) = (Vec::new(), Vec::new());
            for _ in 0..30 {
                let (mut stream, peer) = pair();
                peers.push(peer);
                readers.push(spawn(async move { stream.recv().await.unwrap().to_vec() }));
            }
            settle().await;
            let voluntary =
                || getrusage(UsageWho::RUSAGE_THREAD).unwrap().voluntary_context_switches();
            let before = voluntary();
            for _ in 0..PAUSES {
                sleep(Duration::from_millis(2)).await;
            }
            let parked = voluntary() - before;
            assert!(parked >= PAUSES / 2, "the loop parked {parked} times in {PAUSES} pauses");
            for peer in &mut peers {
                peer.write_all(b"at last").unwrap();
            }
            for reader in readers {
                assert_eq!(reader.await.unwrap(), b"at last");
            }
            hoarder.check();
        };
        runner.run(everybody).unwrap();
    });
}
