//! Reads of all kinds that lose a race at the moment when data arrives.

use std::future::pending;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use ringio::net::{OwnedReadHalf, OwnedWriteHalf, TcpStream};
use ringio::{timeout, yield_now};

use crate::support::*;

use super::senders::Sender;

/// Losses in one repetition.
const LOSSES: u64 = 8_500;

/// How a read's rival is placed.
#[derive(Debug, Clone, Copy)]
enum Rival {
    /// A deadline; the sending is after so many turns, or by a thread about then.
    Time(usize, Duration),
    /// Polled behind the read, or before it: there it wins though the bytes are there. It sends
    /// after so many turns, and is ready so many turns later.
    Second(usize, usize),
    First(usize, usize),
    /// The read is forgotten, that is leaked, so many turns after the sending.
    Forgetting(usize, usize),
}

impl Rival {
    fn random(random: &mut Random) -> Rival {
        let (before, after) = (random.below(3), random.below(4));
        match random.below(24) {
            0..7 => Rival::Second(before, after),
            7..15 => Rival::First(before, after),
            15 => Rival::Forgetting(before, after),
            _ => Rival::Time(before, Duration::from_nanos(1 + random.below(60_000) as u64)),
        }
    }

    /// Runs a read against its rival; `None` if it lost.
    async fn meet<F: Future>(self, read: F, sender: &mut Sender) -> Option<F::Output> {
        let mut read = Box::pin(read);
        match self {
            Rival::Time(before, limit) => {
                sender.aim(limit);
                let strike = async {
                    sender.strike_after(before).await;
                    pending::<()>().await;
                };
                match timeout(limit, select(read, Box::pin(strike))).await {
                    Ok(Either::Left((output, _))) => Some(output),
                    Ok(Either::Right(_)) => unreachable!("it never ends"),
                    Err(_) => None,
                }
            }
            Rival::Second(before, after) => {
                let rival = Box::pin(strike(sender, before, after));
                match select(read, rival).await {
                    Either::Left((output, _)) => Some(output),
                    Either::Right(_) => None,
                }
            }
            Rival::First(before, after) => {
                let rival = Box::pin(strike(sender, before, after));
                match select(rival, read).await {
                    Either::Left(_) => None,
                    Either::Right((output, _)) => Some(output),
                }
            }
            Rival::Forgetting(before, after) => {
                let rival = Box::pin(strike(sender, before, after));
                let outcome = match select(&mut read, rival).await {
                    Either::Left((output, _)) => Some(output),
                    Either::Right(_) => None,
                };
                std::mem::forget(read);
                outcome
            }
        }
    }
}

/// Sends after so many turns, and is ready so many turns later.
async fn strike(sender: &mut Sender, before: usize, after: usize) {
    sender.aim(Duration::from_micros(15));
    sender.strike_after(before).await;
    for _ in 0..after {
        yield_now().await;
    }
}

/// The connection in its various forms.
enum Form {
    Whole(TcpStream),
    Halves(OwnedReadHalf, OwnedWriteHalf),
}

/// One of the three reading types: their methods have the same names.
macro_rules! read_by {
    ($reader:expr, $reading:expr) => {{
        let Reading { kind, size, rival, sender } = $reading;
        match kind {
            Kind::Recv => {
                let chunk = rival.meet($reader.recv(), sender).await;
                chunk.map(|chunk| chunk.unwrap().to_vec())
            }
            Kind::Read => {
                let read = rival.meet($reader.read(Vec::with_capacity(size)), sender).await;
                read.map(|(count, bytes)| {
                    assert_eq!(count.unwrap(), bytes.len());
                    bytes
                })
            }
            Kind::Exact => {
                let read = rival.meet($reader.read_exact(vec![0; size]), sender).await;
                read.map(|(result, bytes)| {
                    result.unwrap();
                    assert_eq!(bytes.len(), size);
                    bytes
                })
            }
        }
    }};
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Recv,
    Read,
    Exact,
}

struct Reading<'a> {
    kind: Kind,
    size: usize,
    rival: Rival,
    sender: &'a mut Sender,
}

impl<'a> Reading<'a> {
    fn random(random: &mut Random, sender: &'a mut Sender) -> Reading<'a> {
        let kind = [Kind::Recv, Kind::Recv, Kind::Read, Kind::Read, Kind::Exact][random.below(5)];
        let size = match random.below(6) {
            // It ends a multishot.
            0 => 16 * 1024 + random.below(16 * 1024),
            1 => 1,
            _ => 1 + random.below(1500),
        };
        let mut rival = Rival::random(random);
        // A forgotten read_exact keeps what it took: nobody is left to give it back.
        if let (Kind::Exact, Rival::Forgetting(before, after)) = (kind, rival) {
            rival = Rival::First(before, after);
        }
        Reading { kind, size, rival, sender }
    }

    fn name(&self) -> &'static str {
        match (self.kind, self.size >= 16 * 1024) {
            (Kind::Recv, _) => "of recv",
            (Kind::Read, false) => "of read",
            (Kind::Read, true) => "of large read",
            (Kind::Exact, _) => "of read_exact",
        }
    }
}

impl Form {
    async fn read(&mut self, reading: Reading<'_>, borrowed: bool) -> Option<Vec<u8>> {
        match self {
            Form::Whole(stream) if borrowed => read_by!(stream.split().0, reading),
            Form::Whole(stream) => read_by!(stream, reading),
            Form::Halves(half, _) => read_by!(half, reading),
        }
    }

    /// Reads what is there without a pause, until the task has had its turn, and further: then
    /// each read waits though there are bytes, and is dropped.
    async fn greedy(&mut self, random: &mut Random, place: &mut Place, seen: &mut Seen) {
        for _ in 0..200 {
            let polled = match (random.below(20), &mut *self) {
                (0, Form::Whole(stream)) => {
                    let polled = poll_once(&mut Box::pin(stream.recv())).await;
                    polled.map(|chunk| chunk.unwrap().to_vec())
                }
                (_, Form::Whole(stream)) => {
                    poll_once(&mut Box::pin(stream.read(Vec::with_capacity(1)))).await.map(|r| r.1)
                }
                (0, Form::Halves(half, _)) => {
                    let polled = poll_once(&mut Box::pin(half.recv())).await;
                    polled.map(|chunk| chunk.unwrap().to_vec())
                }
                (_, Form::Halves(half, _)) => {
                    poll_once(&mut Box::pin(half.read(Vec::with_capacity(1)))).await.map(|r| r.1)
                }
            };
            match polled {
                Poll::Ready(bytes) => place.take(&bytes),
                Poll::Pending => seen.add("dropped in a hurry", 1),
            }
        }
    }

    /// What is known to be on its way.
    async fn awaited(&mut self, kind: usize) -> Vec<u8> {
        macro_rules! by {
            ($reader:expr) => {
                match kind {
                    0 => $reader.recv().await.unwrap().to_vec(),
                    1 => $reader.read(Vec::with_capacity(20_000)).await.1,
                    _ => $reader.read_exact(Vec::with_capacity(1)).await.1,
                }
            };
        }
        match self {
            Form::Whole(stream) => by!(stream),
            Form::Halves(half, _) => by!(half),
        }
    }

    /// What is there without waiting, if anything is.
    async fn parked(&mut self) -> Option<Vec<u8>> {
        let polled = match self {
            Form::Whole(stream) => poll_once(&mut Box::pin(stream.recv())).await,
            Form::Halves(half, _) => poll_once(&mut Box::pin(half.recv())).await,
        };
        match polled {
            Poll::Ready(chunk) => Some(chunk.unwrap().to_vec()),
            Poll::Pending => None,
        }
    }

    /// Takes another form; gives what was received and not read, where that comes out.
    async fn change(self, random: &mut Random) -> (Form, Vec<u8>) {
        match self {
            Form::Whole(stream) if random.below(3) > 0 => {
                let (read, write) = stream.into_split();
                (Form::Halves(read, write), Vec::new())
            }
            Form::Whole(stream) => {
                let (socket, leftover) = stream.into_std().await.unwrap();
                (Form::Whole(TcpStream::from_std(socket).unwrap()), leftover)
            }
            Form::Halves(read, write) => (Form::Whole(read.reunite(write).unwrap()), Vec::new()),
        }
    }
}

/// Where the reader is.
struct Place {
    at: usize,
}

impl Place {
    #[track_caller]
    fn take(&mut self, bytes: &[u8]) {
        assert_pattern(self.at, bytes);
        self.at += bytes.len();
    }
}

/// Reads until so many reads have lost, then to the end.
async fn losing_reads(stream: TcpStream, mut sender: Sender, seed: u64) -> Seen {
    let (mut random, mut seen, mut place) = (Random(seed), Seen::default(), Place { at: 0 });
    let mut form = Form::Whole(stream);
    while seen.of("reads lost") < LOSSES {
        if random.below(50) == 0 {
            let leftover;
            (form, leftover) = form.change(&mut random).await;
            seen.add("bytes by into_std", leftover.len() as u64);
            place.take(&leftover);
        }
        if random.below(300) == 0 {
            sender.strike();
            form.greedy(&mut random, &mut place, &mut seen).await;
            sender.got(place.at);
        }
        let reading = Reading::random(&mut random, &mut sender);
        let name = reading.name();
        match form.read(reading, random.below(3) == 0).await {
            Some(bytes) => {
                assert!(!bytes.is_empty(), "nothing has ended, seed {seed}");
                place.take(&bytes);
                seen.add("reads won", 1);
                sender.got(place.at);
            }
            None => {
                seen.add("reads lost", 1);
                // It could have had these bytes: they were sent before it ended.
                if sender.got(place.at) {
                    seen.add("to data", 1);
                    seen.add(name, 1);
                }
                let next = random.below(4);
                if next < 2
                    && let Some(bytes) = form.parked().await
                {
                    place.take(&bytes);
                    seen.add("found parked at once", 1);
                    sender.got(place.at);
                } else if next == 2 && sender.got(place.at) {
                    // Nobody else wakes this one.
                    let bytes = form.awaited(random.below(3)).await;
                    assert!(!bytes.is_empty());
                    place.take(&bytes);
                    seen.add("awaited next", 1);
                    sender.got(place.at);
                }
            }
        }
    }
    sender.stop();
    let (mut stream, _write) = match form {
        Form::Whole(stream) => stream.into_split(),
        Form::Halves(read, write) => (read, write),
    };
    loop {
        let chunk = stream.recv().await.unwrap();
        if chunk.is_empty() {
            break;
        }
        place.take(&chunk);
        sender.got(place.at);
    }
    drop((stream, _write));
    seen.add("bytes", place.at as u64);
    assert_eq!(place.at, sender.ended().await, "bytes are missing, seed {seed}");
    seen
}

/// At least one of `share` losses is to data.
fn attack(name: &str, seeds: u64, share: u64, sender: fn(std::net::TcpStream, u64) -> Sender) {
    let _alone = alone();
    let mut all = Seen::default();
    for seed in repetitions(seeds) {
        all.all_of(level(loops(seed), async move || {
            let (stream, peer) = narrow_pair();
            losing_reads(stream, sender(peer, seed), seed).await
        }));
    }
    println!("reads against {name}: {all}");
    let lost = all.of("reads lost");
    all.at_least("to data", lost / share);
    all.at_least("found parked at once", lost / share / 5);
    for kind in ["of recv", "of read", "of large read", "of read_exact"] {
        all.at_least(kind, lost / share / 40);
    }
    all.at_least("bytes by into_std", 1);
}

#[test]
fn a_read_that_loses_to_data_sent_between_the_polls_loses_no_byte() {
    attack("a peer that sends between the polls", 12, 2, Sender::between);
}

#[test]
fn a_read_that_loses_to_data_sent_by_a_thread_loses_no_byte() {
    attack("a thread that aims at the deadlines", 4, 50, Sender::thread);
}

#[test]
fn a_read_that_loses_to_data_sent_by_another_loop_loses_no_byte() {
    attack("another loop", 4, 50, Sender::another_loop);
}
