//! The other end of a connection, which acts between the polls and checks what it gets.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::*;

/// A message: its length, its number, and bytes that depend on the number.
pub(crate) fn message(number: usize, len: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(len + 8);
    message.extend_from_slice(&(len as u32).to_le_bytes());
    message.extend_from_slice(&(number as u32).to_le_bytes());
    message.extend_from_slice(&pattern(number, len));
    message
}

/// What has come, checked piece by piece.
#[derive(Debug, Default)]
struct Messages {
    header: Vec<u8>,
    /// The message that is coming: its number, its length, and how much of it is here.
    current: Option<(usize, usize, usize)>,
    /// The numbers of those that came, whole.
    numbers: Vec<usize>,
}

impl Messages {
    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.current.is_none() {
                let (now, rest) = bytes.split_at(bytes.len().min(8 - self.header.len()));
                self.header.extend_from_slice(now);
                bytes = rest;
                if self.header.len() < 8 {
                    return;
                }
                let field =
                    |at: usize| u32::from_le_bytes(self.header[at..at + 4].try_into().unwrap());
                let (len, number) = (field(0) as usize, field(4) as usize);
                assert!(len < 1 << 20, "not the head of a message: {len} bytes, number {number}");
                self.header.clear();
                self.current = Some((number, len, 0));
            }
            let Some((number, len, had)) = self.current else { continue };
            let (now, rest) = bytes.split_at(bytes.len().min(len - had));
            assert_pattern(number + had, now);
            bytes = rest;
            self.current = Some((number, len, had + now.len()));
            if had + now.len() == len {
                assert!(self.numbers.last() < Some(&number), "out of order, or twice");
                self.numbers.push(number);
                self.current = None;
            }
        }
    }
}

/// It sends the pattern, and receives messages.
#[derive(Debug)]
pub(crate) struct Peer {
    socket: TcpStream,
    /// Bytes of the pattern that are sent.
    pub(crate) sent: usize,
    messages: Messages,
    pub(crate) received: usize,
    ended: bool,
    buffer: Vec<u8>,
}

impl Peer {
    pub(crate) fn new(socket: TcpStream) -> Peer {
        socket.set_nonblocking(true).unwrap();
        end_by_reset(&socket);
        Peer {
            socket,
            sent: 0,
            messages: Messages::default(),
            received: 0,
            ended: false,
            buffer: vec![0; 32 * 1024],
        }
    }

    pub(crate) fn another(&self) -> TcpStream {
        self.socket.try_clone().unwrap()
    }

    /// Sends some of the pattern now.
    pub(crate) fn send(&mut self, len: usize) {
        match self.socket.write(&pattern(self.sent, len)) {
            Ok(count) => self.sent += count,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    /// Sends something to a socket that may be closed already.
    pub(crate) fn try_send(&mut self, len: usize) {
        drop(self.socket.write(&pattern(0, len)));
    }

    /// Sends a message of its own.
    pub(crate) fn send_message(&mut self, number: usize, len: usize) {
        self.socket.write_all(&message(number, len)).unwrap();
    }

    pub(crate) fn end(&mut self) {
        self.socket.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Takes what is there; `false` once the end is.
    pub(crate) fn receive(&mut self) -> bool {
        while !self.ended {
            match self.socket.read(&mut self.buffer) {
                Ok(count) => {
                    self.ended = count == 0;
                    self.received += count;
                    self.messages.take(&self.buffer[..count]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                    self.ended = true;
                }
            }
        }
        false
    }

    /// The bytes that come until the end, as they are.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        loop {
            match self.socket.read(&mut self.buffer) {
                Ok(0) => return rest,
                Ok(count) => rest.extend_from_slice(&self.buffer[..count]),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    ringio::op::nop().await.unwrap();
                }
            }
        }
    }

    pub(crate) fn has(&self, number: usize) -> bool {
        self.messages.numbers.binary_search(&number).is_ok()
    }

    /// Whether no message is half here.
    pub(crate) fn is_whole(&self) -> bool {
        self.messages.current.is_none() && self.messages.header.is_empty()
    }
}

/// No port stays taken for a while after the end.
pub(crate) fn end_by_reset(socket: &TcpStream) {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
}
