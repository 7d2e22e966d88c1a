//! Messages that show whether they are whole, and the peers that read them.
//!
//! # Safety
//! The bytes of a [`Letter`] are on the heap, and nothing writes to them.

#![allow(unsafe_code, reason = "a buffer that notes when it is asked for its memory")]
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::cell::Cell;
use std::io::{ErrorKind, Read};
use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::time::Duration;

use ringio::buf::IoBuf;
use ringio::net::TcpStream;
use ringio::{spawn, yield_now};

use crate::support::*;

/// A message as a buffer. A write asks for the memory when it is admitted: from then on it must
/// arrive, and before that it must not.
#[derive(Debug)]
pub(crate) struct Letter {
    bytes: Vec<u8>,
    asked: Rc<Cell<bool>>,
}

/// What the writer remembers of a letter.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) number: u32,
    len: usize,
    asked: Rc<Cell<bool>>,
}

impl Letter {
    /// Its length, its number, and bytes that depend on the number.
    pub(crate) fn new(number: u32, len: usize) -> (Letter, Copy) {
        let mut bytes = Vec::with_capacity(len + 8);
        bytes.extend_from_slice(&(len as u32).to_le_bytes());
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&pattern(number as usize, len));
        let (asked, len) = (Rc::<Cell<bool>>::default(), bytes.len());
        let copy = Copy { number, len, asked: asked.clone() };
        (Letter { bytes, asked }, copy)
    }

    /// A buffer without bytes.
    pub(crate) fn empty() -> Letter {
        Letter { bytes: Vec::new(), asked: Rc::default() }
    }
}

impl Copy {
    pub(crate) fn is_admitted(&self) -> bool {
        self.asked.get()
    }

    /// Bytes of the letter.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether somebody has the letter still.
    pub(crate) fn is_held(&self) -> bool {
        Rc::strong_count(&self.asked) > 1
    }
}

// SAFETY: the bytes are on the heap, and neither move nor change.
unsafe impl IoBuf for Letter {
    fn as_ptr(&self) -> *const u8 {
        self.asked.set(true);
        self.bytes.as_ptr()
    }
    fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// What a peer has got.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) numbers: Vec<u32>,
    /// The beginning of a letter that has not come whole.
    pub(crate) torn: Vec<u8>,
    pub(crate) reset: bool,
}

impl Received {
    /// Checks letter by letter.
    fn take(&mut self, bytes: &[u8]) {
        self.torn.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some((head, rest)) = self.torn[taken..].split_first_chunk::<8>() {
            let field = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
            let (len, number) = (field(0) as usize, field(4));
            assert!(len < 1 << 20, "not the head of a letter");
            if rest.len() < len {
                // Also of one that is not whole the bytes are its own.
                assert_pattern(number as usize, rest);
                break;
            }
            assert_pattern(number as usize, &rest[..len]);
            self.numbers.push(number);
            taken += 8 + len;
        }
        self.torn.drain(..taken);
    }

    /// Takes in what a read gave; `false` at the end.
    fn read(&mut self, result: std::io::Result<usize>, buffer: &[u8]) -> bool {
        match result {
            Ok(0) => false,
            Ok(count) => {
                self.take(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                self.reset = true;
                false
            }
        }
    }
}

/// How the peer reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// A thread that reads as fast as it can.
    Fast,
    /// A thread that reads a little now and then.
    Slow,
    /// Between the polls of the writer's thread.
    Between,
    AnotherLoop,
}

impl Pace {
    pub(crate) fn random(random: &mut Random) -> Pace {
        [Pace::Fast, Pace::Slow, Pace::Between, Pace::AnotherLoop][random.below(4)]
    }

    /// Reads to the end, or resets the connection after so many bytes.
    pub(crate) async fn read(self, socket: StdStream, seed: u64, most: usize) -> Received {
        match self {
            Pace::Fast | Pace::Slow => peer(move || blocking(socket, seed, self, most)).await,
            Pace::Between => spawn(between(socket, seed, most)).await.unwrap(),
            Pace::AnotherLoop => peer(move || ringio::run(receiving(socket, most))).await,
        }
    }
}

/// Makes the end of the socket a reset, if that is what the peer is to do.
fn end(socket: &StdStream, left: usize) {
    if left == 0 {
        socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

fn blocking(mut socket: StdStream, seed: u64, pace: Pace, most: usize) -> Received {
    let (mut random, mut received, mut left) = (Random(seed), Received::default(), most);
    let mut buffer = vec![0; if pace == Pace::Slow { 6_000 } else { 64 * 1024 }];
    while left > 0 {
        if pace == Pace::Slow && random.below(4) == 0 {
            std::thread::park_timeout(Duration::from_micros(random.below(60) as u64));
        }
        let room = left.min(1 + random.below(buffer.len()));
        let result = socket.read(&mut buffer[..room]);
        left -= *result.as_ref().unwrap_or(&0);
        if !received.read(result, &buffer) {
            break;
        }
    }
    end(&socket, left);
    received
}

async fn between(mut socket: StdStream, seed: u64, most: usize) -> Received {
    socket.set_nonblocking(true).unwrap();
    let (mut random, mut received, mut left) = (Random(seed), Received::default(), most);
    let mut buffer = vec![0; 100_000];
    while left > 0 {
        yield_now().await;
        if random.below(4) == 0 {
            let room = left.min(1 + random.below(buffer.len()));
            let result = socket.read(&mut buffer[..room]);
            left -= *result.as_ref().unwrap_or(&0);
            if !received.read(result, &buffer) {
                break;
            }
        }
    }
    end(&socket, left);
    received
}

async fn receiving(socket: StdStream, most: usize) -> Received {
    let (mut received, mut left) = (Received::default(), most);
    let copy = socket.try_clone().unwrap();
    let mut stream = TcpStream::from_std(socket).unwrap();
    while left > 0 {
        let chunk = stream.recv().await;
        let result = chunk.as_ref().map(|chunk| chunk.len());
        let result = result.map_err(|error| error.kind().into());
        left = left.saturating_sub(*result.as_ref().unwrap_or(&0));
        if !received.read(result, chunk.as_deref().unwrap_or_default()) {
            break;
        }
    }
    end(&copy, left);
    received
}
