//! Which way the bytes of a copy go: a few by way of chunks, many at a time through a pipe.

/// Bytes at a time from which moving pages through a pipe costs less than copying: below, the calls
/// that it takes cost more. (Without a pipe a copy costs next to nothing but the bytes.)
const WORTH: usize = 48 * 1024;

/// Bytes in a row that must have come so before a copy goes over to the pipe. A single message that
/// is large does not do it.
const ENTER: usize = 256 * 1024;

/// Rounds in a row with less than [`WORTH`] after which it goes back. A large message may arrive in
/// two parts, or three.
const LEAVE: u32 = 8;

/// What one direction of a copy has lately moved.
#[derive(Debug, Default)]
pub(super) struct Flow {
    bulk: bool,
    /// By chunks: bytes since nothing more was there.
    batch: usize,
    /// By chunks: bytes in a row, without a batch that was not worth a pipe.
    run: usize,
    /// By the pipe: rounds in a row that were not worth it.
    lean: u32,
}

impl Flow {
    /// Bytes go through a pipe.
    pub(super) fn is_bulk(&self) -> bool {
        self.bulk
    }

    pub(super) fn go_bulk(&mut self) {
        *self = Flow { bulk: true, ..Flow::default() };
    }

    /// Bytes go by chunks.
    pub(super) fn go_small(&mut self) {
        *self = Flow::default();
    }

    /// Nothing more is there to be taken.
    pub(super) fn caught_up(&mut self) {
        if self.batch < WORTH {
            self.run = 0;
        }
        self.batch = 0;
    }

    /// A chunk of so many bytes came; says whether bytes should go through a pipe from now on. If
    /// they cannot, it says so again after as many bytes.
    pub(super) fn received(&mut self, len: usize) -> bool {
        self.batch += len;
        self.run += len;
        let asks = !self.bulk && self.run >= ENTER;
        if asks {
            self.run = 0;
        }
        asks
    }

    /// So many bytes went through a pipe in one round.
    pub(super) fn spliced(&mut self, len: usize) {
        self.lean = if len < WORTH { self.lean + 1 } else { 0 };
        if self.lean == LEAVE {
            self.go_small();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether bulk is asked for while batches of these many chunks of these many bytes come.
    fn asks(batches: &[(usize, usize)]) -> bool {
        let mut flow = Flow::default();
        let mut asked = false;
        for &(chunks, len) in batches {
            flow.caught_up();
            (0..chunks).for_each(|_| asked |= flow.received(len));
        }
        asked
    }

    #[test]
    fn many_bytes_at_once_or_in_full_batches_are_bulk() {
        assert!(asks(&[(4, 64 * 1024)]));
        assert!(asks(&[(1, 64 * 1024); 4]));
        assert!(asks(&[(100, 4 * 1024); 4]));
        assert!(!asks(&[(1, 64 * 1024); 3]));
    }

    #[test]
    fn messages_that_are_not_large_never_are() {
        assert!(!asks(&[(1, 64); 10_000]));
        assert!(!asks(&[(1, 32 * 1024); 10_000]));
        assert!(!asks(&[(1, 64 * 1024), (1, 64 * 1024), (1, 64 * 1024), (1, 64)].repeat(1_000)));
    }

    #[test]
    fn a_few_lean_rounds_do_not_end_bulk_and_many_do() {
        let mut flow = Flow::default();
        flow.go_bulk();
        for _ in 0..100 {
            (1..LEAVE).for_each(|_| flow.spliced(1));
            flow.spliced(WORTH);
        }
        assert!(flow.is_bulk());
        (0..LEAVE).for_each(|_| flow.spliced(1));
        assert!(!flow.is_bulk());
        assert!(!flow.received(1));
    }
}
