//! Messages that tell their number and length, so that one which is torn, doubled or out of order
//! shows.

use crate::support::{assert_pattern, pattern};

/// Number and length, four bytes each.
const HEADER: usize = 8;

/// A message of so many bytes besides its header.
pub(crate) fn message(number: u32, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + len);
    bytes.extend(number.to_le_bytes());
    bytes.extend((len as u32).to_le_bytes());
    bytes.extend(pattern(number as usize * 31, len));
    bytes
}

/// Puts a stream of bytes together again.
#[derive(Default)]
pub(crate) struct Messages {
    pending: Vec<u8>,
    bytes: u64,
    numbers: Vec<u32>,
}

impl Messages {
    /// Takes in the next bytes. Numbers only rise.
    #[track_caller]
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.pending.extend(bytes);
        self.bytes += bytes.len() as u64;
        while let Some((header, rest)) = self.pending.split_first_chunk::<HEADER>() {
            let number = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
            let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
            let Some(body) = rest.get(..len) else { break };
            assert_pattern(number as usize * 31, body);
            let rises = self.numbers.last().is_none_or(|last| *last < number);
            assert!(rises, "message {number} came behind {:?}", self.numbers.last());
            self.numbers.push(number);
            self.pending.drain(..HEADER + len);
        }
    }

    /// How many bytes were taken in.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The numbers that came; nothing is left over.
    #[track_caller]
    pub(crate) fn whole(self) -> Vec<u32> {
        assert!(self.pending.is_empty(), "{} bytes of a torn message", self.pending.len());
        self.numbers
    }

    /// The numbers that came, if the stream may have been cut off.
    pub(crate) fn so_far(self) -> Vec<u32> {
        self.numbers
    }
}
