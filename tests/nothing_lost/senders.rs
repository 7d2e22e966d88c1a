//! Peers that send the pattern while somebody reads it: between the polls of the same thread, from
//! a thread that aims at the reader's deadlines, or from another loop.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ringio::net::TcpStream;
use ringio::time::sleep;
use ringio::yield_now;

use crate::support::*;

/// Most bytes that are on their way at a time.
const AHEAD: usize = 400_000;

/// Mostly little, now and then more than a buffer takes.
fn some(random: &mut Random) -> usize {
    match random.below(40) {
        0 => 1 + random.below(100_000),
        1..6 => 1 + random.below(10_000),
        _ => 1 + random.below(300),
    }
}

/// What reader and sender know of each other.
#[derive(Debug)]
struct Shared {
    /// Bytes that the sender's kernel has taken, which on loopback are there.
    sent: AtomicUsize,
    /// Bytes that the reader has got.
    got: AtomicUsize,
    /// When the reader's next deadline is, in nanoseconds from `start`.
    aim: AtomicU64,
    start: Instant,
    stop: AtomicBool,
}

impl Shared {
    fn new() -> Arc<Shared> {
        Arc::new(Shared {
            sent: AtomicUsize::new(0),
            got: AtomicUsize::new(0),
            aim: AtomicU64::new(0),
            start: Instant::now(),
            stop: AtomicBool::new(false),
        })
    }

    fn on_the_way(&self) -> usize {
        self.sent.load(Ordering::Acquire).saturating_sub(self.got.load(Ordering::Acquire))
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// The reader's end of a sender.
#[derive(Debug)]
pub(crate) struct Sender {
    shared: Arc<Shared>,
    /// Acts when it is told to.
    between: Option<(StdStream, Random)>,
    thread: Option<JoinHandle<()>>,
}

impl Sender {
    /// One that sends only in [`Sender::strike`].
    pub(crate) fn between(peer: StdStream, seed: u64) -> Sender {
        peer.set_nonblocking(true).unwrap();
        Sender { shared: Shared::new(), between: Some((peer, Random(seed))), thread: None }
    }

    /// A thread that sends a few microseconds before or after each deadline it is told.
    pub(crate) fn thread(mut peer: StdStream, seed: u64) -> Sender {
        let shared = Shared::new();
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            let (mut random, mut aimed) = (Random(seed), 0);
            while !theirs.stopped() {
                let aim = theirs.aim.load(Ordering::Acquire);
                if aim == aimed || theirs.on_the_way() > AHEAD {
                    thread::park();
                    continue;
                }
                aimed = aim;
                let at = (aim + random.below(30_000) as u64).saturating_sub(20_000);
                while (theirs.start.elapsed().as_nanos() as u64) < at && !theirs.stopped() {
                    std::hint::spin_loop();
                }
                let sent = theirs.sent.load(Ordering::Relaxed);
                let bytes = pattern(sent, some(&mut random));
                peer.write_all(&bytes).unwrap();
                theirs.sent.store(sent + bytes.len(), Ordering::Release);
            }
            peer.shutdown(Shutdown::Write).unwrap();
        });
        Sender { shared, between: None, thread: Some(thread) }
    }

    /// Another loop, which sends in its own rhythm and drops some of its writes in flight.
    pub(crate) fn another_loop(peer: StdStream, seed: u64) -> Sender {
        let shared = Shared::new();
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            ringio::run(async {
                let mut stream = TcpStream::from_std(peer).unwrap();
                let (mut random, mut begun, mut dropped) = (Random(seed), 0, false);
                while !theirs.stopped() {
                    if theirs.on_the_way() <= AHEAD {
                        let bytes = pattern(begun, some(&mut random));
                        begun += bytes.len();
                        let mut write = Box::pin(stream.write_all(bytes));
                        // Nothing is queued behind a write that was awaited: this one is admitted.
                        dropped = !dropped && random.below(3) == 0;
                        if dropped {
                            drop(poll_once(&mut write).await);
                        } else {
                            write.await.0.unwrap();
                            theirs.sent.store(begun, Ordering::Release);
                        }
                    }
                    sleep(Duration::from_nanos(random.below(60_000) as u64)).await;
                }
                stream.shutdown(Shutdown::Write).await.unwrap();
                theirs.sent.store(begun, Ordering::Release);
                // Until the reader has all of it.
                assert!(stream.recv().await.unwrap().is_empty());
            });
        });
        Sender { shared, between: None, thread: Some(thread) }
    }

    /// Sends now, if it is of those that do so.
    pub(crate) fn strike(&mut self) {
        let Some((peer, random)) = &mut self.between else { return };
        let sent = self.shared.sent.load(Ordering::Relaxed);
        if self.shared.on_the_way() > AHEAD {
            return;
        }
        match peer.write(&pattern(sent, some(random))) {
            Ok(count) => self.shared.sent.store(sent + count, Ordering::Release),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    /// As [`Sender::strike`], so many turns of the loop later.
    pub(crate) async fn strike_after(&mut self, turns: usize) {
        for _ in 0..turns {
            yield_now().await;
        }
        self.strike();
    }

    /// Tells a thread when the next read is over.
    pub(crate) fn aim(&self, limit: Duration) {
        if let (None, Some(thread)) = (&self.between, &self.thread) {
            let at = (self.shared.start.elapsed() + limit).as_nanos() as u64;
            self.shared.aim.store(at, Ordering::Release);
            thread.thread().unpark();
        }
    }

    /// The reader has got so much in all. Says whether there is more that it could have got.
    pub(crate) fn got(&self, count: usize) -> bool {
        self.shared.got.store(count, Ordering::Release);
        self.shared.sent.load(Ordering::Acquire) > count
    }

    /// Ends the sending; the end of the stream follows.
    pub(crate) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some((peer, _)) = &self.between {
            peer.shutdown(Shutdown::Write).unwrap();
        }
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Bytes sent in all, once the reader has met the end and closed its socket.
    pub(crate) async fn ended(mut self) -> usize {
        if let Some(thread) = self.thread.take() {
            peer(move || thread.join().unwrap()).await;
        }
        self.shared.sent.load(Ordering::Acquire)
    }
}
