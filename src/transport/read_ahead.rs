//! Received bytes that wait for a reader.

use std::collections::VecDeque;

use crate::driver::Chunk;

/// Chunks in the order of arrival.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    chunks: VecDeque<Chunk>,
}

impl ReadAhead {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(crate) fn push(&mut self, chunk: Chunk) {
        if self.chunks.capacity() == 0 {
            // Most connections never park a second chunk, and there are many connections.
            self.chunks.reserve_exact(1);
        }
        self.chunks.push_back(chunk);
    }

    /// Bytes that were taken too early go back to the front.
    pub(crate) fn put_back(&mut self, chunk: Chunk) {
        if !chunk.is_empty() {
            self.chunks.push_front(chunk);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Chunk> {
        self.chunks.pop_front()
    }

    /// Moves bytes to the front of `target`; returns how many.
    pub(crate) fn copy_to(&mut self, target: &mut [std::mem::MaybeUninit<u8>]) -> usize {
        let mut copied = 0;
        while copied < target.len() {
            let Some(chunk) = self.chunks.front_mut() else { break };
            let n = chunk.len().min(target.len() - copied);
            let front = chunk.split_to(n);
            for (to, from) in target[copied..copied + n].iter_mut().zip(front.iter()) {
                to.write(*from);
            }
            copied += n;
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
        }
        copied
    }

    /// All of it, in one piece.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.chunks.iter().map(|chunk| chunk.len()).sum());
        for chunk in self.chunks.drain(..) {
            all.extend_from_slice(&chunk);
        }
        all
    }

    /// Copies leased bytes to the heap.
    pub(crate) fn give_leases_back(&mut self) {
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.is_leased()) {
            *chunk = Chunk::copy_of(chunk);
        }
    }
}
