//! Both directions of a connection under futures that end at random moments. The peer acts
//! between the polls, in the same thread, so that a seed gives the same run again.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use ringio::net::{OwnedReadHalf, OwnedWriteHalf};
use ringio::{Runner, yield_now};

use crate::support::*;

/// Sends the pattern in pieces, never more ahead of the reader than the kernel takes.
struct Sender {
    peer: std::net::TcpStream,
    sent: usize,
    total: usize,
    random: Random,
}

impl Sender {
    /// Sends at most `most` bytes now.
    fn send(&mut self, most: usize) {
        if self.sent == self.total {
            return;
        }
        let len = (1 + self.random.below(most)).min(self.total - self.sent);
        match self.peer.write(&pattern(self.sent, len)) {
            Ok(count) => self.sent += count,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    fn perhaps(&mut self) {
        match self.random.below(60) {
            0..10 => self.send(30),
            10..20 => self.send(3000),
            20 => self.send(60_000),
            _ => {}
        }
        if self.sent == self.total {
            let _ = self.peer.shutdown(Shutdown::Write);
        }
    }
}

/// Reads in every way and every byte once; gives the number of operations.
async fn read_all(mut stream: OwnedReadHalf, mut sender: Sender, seed: u64) -> usize {
    let mut random = Random(seed ^ 0x5eed);
    let (mut at, mut operations) = (0, 0);
    loop {
        operations += 1;
        sender.perhaps();
        let fate = Fate::random(&mut random);
        let size = match random.below(8) {
            // A large read ends a multishot.
            0 => 16 * 1024 + random.below(32 * 1024),
            1 => 0,
            2 => 1,
            _ => 1 + random.below(2000),
        };
        let between = || sender.perhaps();
        let bytes = match random.below(4) {
            0 | 1 => {
                let chunk = fate.befall_beside(stream.recv(), between).await.0;
                chunk.map(|chunk| chunk.unwrap().to_vec())
            }
            2 => fate.befall_beside(stream.read(Vec::with_capacity(size)), between).await.0.map(
                |read| {
                    assert_eq!(read.0.unwrap(), read.1.len());
                    read.1
                },
            ),
            _ => {
                // One that is forgotten keeps what it had: nobody is left to give it back.
                let fate = fate.forgotten_if(false);
                fate.befall_beside(stream.read_exact(vec![0; size]), between).await.0.map(
                    |(result, bytes)| {
                        match result {
                            Ok(()) => assert_eq!(bytes.len(), size),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof),
                        }
                        bytes
                    },
                )
            }
        };
        let Some(bytes) = bytes else { continue };
        assert_pattern(at, &bytes);
        at += bytes.len();
        assert!(at <= sender.sent, "more than was sent, seed {seed}");
        if at == sender.total {
            break;
        }
    }
    assert!(stream.recv().await.unwrap().is_empty(), "more than the end, seed {seed}");
    operations
}

/// A message: its length, its number, and bytes that depend on the number.
fn message(number: usize, len: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(len + 8);
    message.extend_from_slice(&(len as u32).to_le_bytes());
    message.extend_from_slice(&(number as u32).to_le_bytes());
    message.extend_from_slice(&pattern(number, len));
    message
}

/// What the peer got: checked message by message as it comes.
struct Inbox {
    peer: std::net::TcpStream,
    pending: Vec<u8>,
    numbers: Vec<usize>,
    ended: bool,
    random: Random,
}

impl Inbox {
    fn perhaps(&mut self) {
        if self.random.below(3) == 0 {
            let most = 1 + self.random.below(100_000);
            self.read(most);
        }
    }

    fn read(&mut self, most: usize) {
        let mut buffer = vec![0; most];
        match self.peer.read(&mut buffer) {
            Ok(count) => {
                self.ended |= count == 0;
                self.pending.extend_from_slice(&buffer[..count]);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        let mut taken = 0;
        while let Some((header, rest)) = self.pending[taken..].split_first_chunk::<8>() {
            let field = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
            let (len, number) = (field(0) as usize, field(4) as usize);
            assert!(len < 1 << 20, "not the head of a message");
            if rest.len() < len {
                break;
            }
            assert_pattern(number, &rest[..len]);
            self.numbers.push(number);
            taken += 8 + len;
        }
        self.pending.drain(..taken);
    }
}

/// Writes messages in every way; gives the number of operations.
async fn write_all(mut stream: OwnedWriteHalf, mut inbox: Inbox, count: usize, seed: u64) -> usize {
    let mut random = Random(seed ^ 0xfeed);
    let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..count {
        inbox.perhaps();
        let len = match random.below(10) {
            0 => random.below(200_000),
            1 => 0,
            _ => random.below(3000),
        };
        let fate = Fate::random(&mut random);
        let bytes: Rc<[u8]> = message(number, len).into();
        let between = || inbox.perhaps();
        let sent = if random.below(3) == 0 {
            // The first part is a message of its own, so that the count of the whole's holders
            // tells of the write's.
            let head = message(number, random.below(100));
            let expected = head.len() + bytes.len();
            let parts: Vec<Rc<[u8]>> = vec![head.into(), Rc::from(&b""[..]), bytes.clone()];
            let written = fate.befall_beside(stream.writev(parts), between).await.0;
            written.map(|(result, _)| result.map(|sent| assert_eq!(sent, expected)))
        } else {
            let written = fate.befall_beside(stream.write(bytes.clone()), between).await.0;
            written.map(|(result, _)| result.map(|sent| assert_eq!(sent, bytes.len())))
        };
        match sent {
            Some(result) => {
                result.unwrap();
                must.insert(number);
            }
            // The forgotten future may be the one that holds the buffer.
            None if matches!(fate, Fate::Forgotten(_)) => drop(may.insert(number)),
            // The transport holds it: it was admitted.
            None if Rc::strong_count(&bytes) > 1 => drop(must.insert(number)),
            // It was not admitted, or was sent between the last poll and the end.
            None => drop(may.insert(number)),
        }
    }
    let mut shutdown = Box::pin(stream.shutdown(Shutdown::Write));
    while poll_once(&mut shutdown).await.is_pending() {
        inbox.read(100_000);
        yield_now().await;
    }
    while !inbox.ended {
        inbox.read(100_000);
        yield_now().await;
    }
    assert!(inbox.pending.is_empty(), "the last message is torn, seed {seed}");
    assert!(inbox.numbers.is_sorted(), "out of order, seed {seed}");
    let got: BTreeSet<usize> = inbox.numbers.iter().copied().collect();
    let lost: Vec<_> = must.difference(&got).collect();
    assert!(lost.is_empty(), "lost: {lost:?}, seed {seed}");
    let known: BTreeSet<usize> = must.union(&may).copied().collect();
    assert!(got.is_subset(&known));
    count
}

fn both_directions(builder: ringio::Builder, seeds: std::ops::Range<u64>) {
    let enough = 1800 * seeds.clone().count();
    let mut operations = 0;
    for seed in seeds {
        let builder = builder.clone();
        // Each seed has a watchdog of its own; the panic of one that hangs follows this line.
        println!("seed {seed}");
        operations += within(move || {
            let (reads, writes) = builder.build().unwrap().run(exchange(seed)).unwrap();
            reads + writes
        });
    }
    assert!(operations > enough, "{operations} operations are too few");
}

async fn exchange(seed: u64) -> (usize, usize) {
    let (stream, peer) = narrow_pair();
    peer.set_nonblocking(true).unwrap();
    let inbox = Inbox {
        peer: peer.try_clone().unwrap(),
        pending: Vec::new(),
        numbers: Vec::new(),
        ended: false,
        random: Random(seed + 1000),
    };
    let sender = Sender { peer, sent: 0, total: 3 << 20, random: Random(seed + 2000) };
    let (read, write) = stream.into_split();
    let reader = ringio::spawn(read_all(read, sender, seed));
    let writer = ringio::spawn(write_all(write, inbox, 1500, seed));
    (reader.await.unwrap(), writer.await.unwrap())
}

#[test]
fn every_byte_once_and_in_order_and_whole_messages_only() {
    both_directions(Runner::builder(), 0..20);
}

/// Receives end for want of buffers all the time.
#[test]
fn the_same_with_two_buffers_for_all() {
    both_directions(Runner::builder().buffers(2, 4096), 100..108);
}

/// Submissions meet a full queue all the time.
#[test]
fn the_same_with_the_smallest_ring() {
    both_directions(Runner::builder().entries(1), 200..206);
}
