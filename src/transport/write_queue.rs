//! What is queued to be sent, and who waits for it.
//!
//! A request names memory of a buffer; [`writer`](super::writer) says whose that is, and for how long.

use std::any::Any;
use std::collections::VecDeque;
use std::task::Waker;

use crate::driver::{Linger, OpKey, Pipe};
use crate::op::send;

/// A queue keeps room for so many requests while it is nobody's.
const ROOM: usize = 16;

/// What a send side has while something is queued, or somebody waits.
#[derive(Debug, Default)]
pub(super) struct Busy {
    pub(super) queue: VecDeque<Request>,
    /// Bytes in the queue.
    pub(super) queued: usize,
    pub(super) in_flight: Option<InFlight>,
    /// Waits for admission, for completion, for the queue to be empty, for the shutdown, or for the
    /// descriptor to be closed.
    pub(super) waiter: Option<Waker>,
    /// Until the FIN that was asked for is on its way.
    pub(super) linger: Option<Linger>,
    /// Kept on the shelf.
    pub(super) pieces: Option<Box<send::Pieces>>,
}

#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) key: OpKey,
    pub(super) stopping: bool,
}

/// One admitted write.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) memory: Memory,
    /// Bytes of it that are sent.
    pub(super) sent: usize,
    pub(super) len: usize,
    /// The buffer, once its future was dropped.
    pub(super) orphan: Option<Box<dyn Any>>,
}

/// Where the bytes of a write are.
#[derive(Debug)]
pub(crate) enum Memory {
    One(*const u8),
    Many(Box<[(*const u8, usize)]>),
    /// In the kernel already: no future has them, the transport alone.
    Pipe(Pipe),
}

impl Busy {
    /// Whether it is as good as new.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.queue.is_empty()
            && self.in_flight.is_none()
            && self.waiter.is_none()
            && self.linger.is_none()
    }

    /// Gives up room that is seldom needed.
    #[inline]
    pub(super) fn shrink(&mut self) {
        if self.queue.capacity() > ROOM {
            self.queue.shrink_to(ROOM);
        }
    }

    /// The send that comes next: one piece, or several requests in one.
    pub(super) fn next_send(&mut self) -> Option<(*const u8, usize)> {
        let first = self.queue.front()?;
        if let (Memory::One(start), 1) = (&first.memory, self.queue.len()) {
            return Some((start.wrapping_add(first.sent), first.len - first.sent));
        }
        let pieces = self.pieces.get_or_insert_default();
        pieces.clear();
        for request in &self.queue {
            if !request.add_to(pieces) {
                break;
            }
        }
        None
    }
}

impl Request {
    /// Adds what is not yet sent; `false` if that did not fit.
    fn add_to(&self, pieces: &mut send::Pieces) -> bool {
        let mut skip = self.sent;
        let one;
        let all: &[(*const u8, usize)] = match &self.memory {
            Memory::One(start) => {
                one = [(*start, self.len)];
                &one
            }
            Memory::Many(pieces) => pieces,
            // It comes when those before it are sent.
            Memory::Pipe(_) => return false,
        };
        for &(start, len) in all {
            let skipped = skip.min(len);
            skip -= skipped;
            if len > skipped && !pieces.push(start.wrapping_add(skipped), len - skipped) {
                return false;
            }
        }
        true
    }
}
