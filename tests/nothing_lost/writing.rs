//! Writes that are dropped, forgotten, timed out or beaten in flight, and then more writes: the
//! peer sees whole letters in the order of the first polls, each that was admitted once, and none
//! that was not.

use std::io::ErrorKind;
use std::net::Shutdown;
use std::time::Duration;

use futures_util::future::{Either, select};
use ringio::net::TcpStream;
use ringio::{timeout, yield_now};

use crate::support::*;

use super::letters::{Copy, Letter, Pace, Received};

/// How the future of a write ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Awaited,
    /// After so many polls.
    Dropped(usize),
    Forgotten(usize),
    TimedOut(Duration),
    /// Against one that is ready after so many turns, polled behind it or before it.
    BeatenFirst(usize),
    BeatenSecond(usize),
}

impl Fate {
    fn random(random: &mut Random) -> Fate {
        let turns = random.below(4);
        match random.below(16) {
            0..2 => Fate::Awaited,
            2..8 => Fate::Dropped(turns),
            8 => Fate::Forgotten(turns),
            9..12 => Fate::TimedOut(Duration::from_nanos(1 + random.below(40_000) as u64)),
            12..14 => Fate::BeatenFirst(turns),
            _ => Fate::BeatenSecond(turns),
        }
    }

    /// Whether the future is polled for certain.
    fn polls(self) -> bool {
        matches!(self, Fate::Awaited | Fate::Dropped(1..) | Fate::Forgotten(1..))
            || matches!(self, Fate::BeatenSecond(_) | Fate::BeatenFirst(1..))
    }

    async fn befall<F: Future>(self, write: F) -> Option<F::Output> {
        let mut write = Box::pin(write);
        let rival = |turns: usize| {
            Box::pin(async move {
                for _ in 0..turns {
                    yield_now().await;
                }
            })
        };
        let (polls, forget) = match self {
            Fate::Awaited => return Some(write.await),
            Fate::Dropped(polls) => (polls, false),
            Fate::Forgotten(polls) => (polls, true),
            Fate::TimedOut(limit) => return timeout(limit, write).await.ok(),
            Fate::BeatenFirst(turns) => {
                return match select(rival(turns), write).await {
                    Either::Left(_) => None,
                    Either::Right((output, _)) => Some(output),
                };
            }
            Fate::BeatenSecond(turns) => {
                return match select(write, rival(turns)).await {
                    Either::Left((output, _)) => Some(output),
                    Either::Right(_) => None,
                };
            }
        };
        for _ in 0..polls {
            if let std::task::Poll::Ready(output) = poll_once(&mut write).await {
                return Some(output);
            }
            yield_now().await;
        }
        if forget {
            std::mem::forget(write);
        }
        None
    }
}

/// The letters of one connection.
struct Post {
    random: Random,
    /// In the order of the first polls.
    copies: Vec<Copy>,
    /// Nothing is queued, so that the next write is admitted.
    idle: bool,
    /// The connection has failed.
    failed: Option<ErrorKind>,
    seen: Seen,
}

/// One write with the methods of any of the writing types; gives the bytes written, if it ended.
macro_rules! write_by {
    ($writer:expr, $letters:expr, $random:expr, $fate:expr) => {{
        let (mut letters, fate): (Vec<Letter>, Fate) = ($letters, $fate);
        if letters.len() > 1 {
            let count = letters.len();
            let written = fate.befall($writer.writev(letters)).await;
            written.map(|(result, letters)| {
                assert_eq!(letters.len(), count);
                result
            })
        } else if $random.below(2) == 0 {
            let letter = letters.pop().unwrap();
            fate.befall($writer.write(letter)).await.map(|(result, _)| result)
        } else {
            let letter = letters.pop().unwrap();
            let len = ringio::buf::IoBuf::len(&letter);
            let written = fate.befall($writer.write_all(letter)).await;
            written.map(|(result, _)| result.map(|()| len))
        }
    }};
}

impl Post {
    fn new(seed: u64) -> Post {
        let (copies, seen) = (Vec::new(), Seen::default());
        Post { random: Random(seed), copies, idle: true, failed: None, seen }
    }

    /// One letter, or several in one write.
    fn letters(&mut self) -> (Vec<Letter>, usize) {
        let count = if self.random.below(3) == 0 { 2 + self.random.below(4) } else { 1 };
        let (mut letters, mut bytes) = (Vec::new(), 0);
        for _ in 0..count {
            let len = match self.random.below(12) {
                0 => self.random.below(100_000),
                1 => 0,
                _ => self.random.below(3_000),
            };
            let (letter, copy) = Letter::new(self.copies.len() as u32, len);
            self.copies.push(copy);
            letters.push(letter);
            bytes += len + 8;
            if count > 1 && self.random.below(4) == 0 {
                letters.push(Letter::empty());
            }
        }
        (letters, bytes)
    }

    async fn write(&mut self, mut stream: TcpStream) -> TcpStream {
        let from = self.copies.len();
        let (letters, bytes) = self.letters();
        let fate = Fate::random(&mut self.random);
        let random = &mut self.random;
        let outcome = match random.below(4) {
            0 => write_by!(stream.split().1, letters, random, fate),
            1 => {
                let (read, mut write) = stream.into_split();
                let outcome = write_by!(write, letters, random, fate);
                stream = read.reunite(write).unwrap();
                outcome
            }
            _ => write_by!(stream, letters, random, fate),
        };
        let admitted = self.copies[from].is_admitted();
        let together = |copy: &Copy| copy.is_admitted() == admitted;
        assert!(self.copies[from..].iter().all(together), "a part was admitted");
        match outcome {
            Some(Ok(written)) => {
                assert_eq!(written, bytes);
                assert!(admitted && self.failed.is_none());
                self.idle = true;
            }
            Some(Err(error)) => {
                let failed = *self.failed.get_or_insert(error.kind());
                assert_eq!(failed, error.kind(), "another word than before");
            }
            None => {
                if self.failed.is_none() && self.idle && fate.polls() {
                    assert!(admitted, "nothing was queued: {fate:?}");
                }
                self.idle &= !admitted;
                self.seen.add("writes that ended early", 1);
                if admitted {
                    self.seen.add("admitted", 1);
                }
                if self.copies[from].is_held() && !matches!(fate, Fate::Forgotten(_)) {
                    self.seen.add("in flight", 1);
                }
            }
        }
        stream
    }

    /// Compares what was admitted with what has come: all of it, or a beginning.
    fn compare(&self, received: &Received, all: bool) {
        let admitted: Vec<u32> =
            self.copies.iter().filter(|copy| copy.is_admitted()).map(|copy| copy.number).collect();
        if all {
            assert!(!received.reset, "no reset");
            assert!(received.torn.is_empty(), "the last letter is torn");
            assert_eq!(admitted, received.numbers, "not what was admitted");
        } else {
            assert!(admitted.starts_with(&received.numbers), "not the order of the first polls");
        }
    }
}

/// How the connection ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Shutdown,
    Close,
    HalfDropped,
    IntoStd,
    Abort,
    Dropped,
    /// The peer resets it when it has so many bytes.
    Reset(usize),
}

impl End {
    fn random(random: &mut Random) -> End {
        match random.below(12) {
            0..3 => End::Shutdown,
            3..6 => End::Close,
            6 | 7 => End::HalfDropped,
            8 => End::IntoStd,
            9 => End::Abort,
            10 => End::Dropped,
            _ => End::Reset(1 + random.below(300_000)),
        }
    }

    /// Whether all that was admitted must arrive.
    fn is_clean(self) -> bool {
        !matches!(self, End::Abort | End::Dropped | End::Reset(_))
    }
}

/// What a call must say once the connection has ended by our own will.
async fn assert_aborted(stream: &mut TcpStream) {
    for _ in 0..3 {
        let (letter, copy) = Letter::new(0, 10);
        let error = stream.write(letter).await.0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        assert!(!copy.is_admitted());
        assert_eq!(stream.recv().await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
    }
}

async fn correspond(seed: u64) -> Seen {
    let mut random = Random(seed);
    let (end, pace) = (End::random(&mut random), Pace::random(&mut random));
    let (mut stream, socket) = narrow_pair();
    let most = if let End::Reset(most) = end { most } else { usize::MAX };
    let reader = ringio::spawn(pace.read(socket, seed, most));
    let mut post = Post::new(seed);
    for _ in 0..200 {
        stream = post.write(stream).await;
        if random.below(100) == 0 && !matches!(end, End::Reset(_)) {
            let (socket, leftover) = stream.into_std().await.unwrap();
            assert!(leftover.is_empty());
            stream = TcpStream::from_std(socket).unwrap();
            post.idle = true;
        }
    }
    // Kept until the peer has seen the end.
    let mut kept = None;
    match end {
        End::Shutdown => {
            let mut shutdown = Box::pin(stream.shutdown(Shutdown::Write));
            if random.below(2) == 0 {
                shutdown.await.unwrap();
            } else {
                drop(poll_once(&mut shutdown).await);
                drop(shutdown);
            }
            let (letter, copy) = Letter::new(0, 10);
            let error = stream.write(letter).await.0.unwrap_err();
            assert_eq!((error.kind(), copy.is_admitted()), (ErrorKind::BrokenPipe, false));
            kept = Some(stream);
        }
        End::Close => stream.close().await.unwrap(),
        End::HalfDropped => {
            let (mut read, write) = stream.into_split();
            drop(write);
            assert!(read.recv().await.unwrap().is_empty(), "the peer ends when it has all");
        }
        End::IntoStd => drop(stream.into_std().await.unwrap()),
        End::Abort => {
            stream.abort();
            assert_aborted(&mut stream).await;
            // Only now the peer hears of it.
            drop(stream);
        }
        End::Dropped => drop(stream),
        End::Reset(_) => {
            while post.failed.is_none() {
                stream = post.write(stream).await;
            }
            for _ in 0..20 {
                let from = post.copies.len();
                stream = post.write(stream).await;
                assert!(!post.copies[from].is_admitted(), "after the end");
            }
        }
    }
    let received = reader.await.unwrap();
    post.compare(&received, end.is_clean());
    drop(kept);
    post.seen.add("letters received", received.numbers.len() as u64);
    if !end.is_clean() {
        post.seen.add("connections that were cut", 1);
    }
    if !received.torn.is_empty() {
        post.seen.add("last letters cut", 1);
    }
    // All that were not forgotten are given back.
    settle().await;
    post.seen
}

#[test]
fn writes_that_end_in_flight_arrive_whole_in_order_and_once() {
    let _alone = alone();
    let mut all = Seen::default();
    for seed in repetitions(16) {
        all.all_of(level(loops(seed), async move || {
            let mut seen = Seen::default();
            for number in 0..30 {
                // Two at a time share the loop.
                let one = ringio::spawn(correspond(seed * 1_000 + number));
                let other = ringio::spawn(correspond(seed * 1_000 + 500 + number));
                seen.all_of(one.await.unwrap());
                seen.all_of(other.await.unwrap());
            }
            seen
        }));
    }
    println!("writes: {all}");
    let early = all.of("writes that ended early");
    all.at_least("admitted", early / 4);
    all.at_least("in flight", early / 10);
    all.at_least("connections that were cut", 20);
}
