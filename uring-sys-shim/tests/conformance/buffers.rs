//! [`Group`]: provided buffers of a [`Bench`], and what the kernel must have done with them.

use std::collections::VecDeque;

use uring_sys_shim::{Caps, Cqe, GroupId, Ring};

use super::bench::Bench;
use super::memory::Memory;

/// A group of buffers, mirrored: its next completion is known beforehand.
pub(crate) struct Group {
    pub(crate) id: GroupId,
    incremental: bool,
    buffers: Vec<Memory>,
    /// The buffers that the kernel has, in the order in which it must use them.
    order: VecDeque<u16>,
    /// What the kernel has used of the first of them.
    offset: usize,
}

impl Group {
    /// A group without buffers.
    pub(crate) fn empty(bench: &mut Bench, count: u16, size: usize, incremental: bool) -> Group {
        static ID: GroupId = GroupId(3);
        bench.ring().register_group(ID, count.next_power_of_two(), incremental).expect("a group");
        let buffers = (0..count).map(|_| bench.lend(Memory::zeroed(size))).collect();
        Group { id: ID, incremental, buffers, order: VecDeque::new(), offset: 0 }
    }

    /// A group with all its buffers, each for one completion.
    pub(crate) fn fixed(bench: &mut Bench, count: u16, size: usize) -> Group {
        Group::full(bench, count, size, false)
    }

    /// A group with all its buffers, of the kind that the driver uses on this kernel.
    pub(crate) fn usual(bench: &mut Bench, count: u16, size: usize) -> Group {
        let incremental = bench.has(Caps::INCREMENTAL);
        Group::full(bench, count, size, incremental)
    }

    pub(crate) fn full(bench: &mut Bench, count: u16, size: usize, incremental: bool) -> Group {
        let mut group = Group::empty(bench, count, size, incremental);
        let all: Vec<u16> = (0..count).collect();
        group.publish(bench, &all);
        group
    }

    /// Gives these buffers to the kernel, in this order.
    pub(crate) fn publish(&mut self, bench: &mut Bench, bids: &[u16]) {
        for &bid in bids {
            assert!(!self.order.contains(&bid), "the kernel has buffer {bid}");
            bench.provide(self.id, bid, &self.buffers[usize::from(bid)]);
            self.order.push_back(bid);
        }
        bench.ring().publish(self.id);
    }

    /// How many buffers the kernel has.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The bytes of a completion. Buffers are used in the order in which they were published; a
    /// fixed one for one completion, an incremental one from where the last left off to its end.
    #[track_caller]
    pub(crate) fn take(&mut self, cqe: Cqe) -> Vec<u8> {
        let Some(bid) = cqe.buffer() else {
            assert!(cqe.res <= 0, "bytes without a buffer: {cqe:?}");
            return Vec::new();
        };
        assert!(cqe.res > 0, "a buffer without bytes: {cqe:?}");
        assert_eq!(Some(&bid), self.order.front(), "buffers are used in order: {cqe:?}");
        let buffer = &self.buffers[usize::from(bid)];
        let bytes = buffer.bytes(self.offset, cqe.res as usize);
        self.offset += bytes.len();
        let kept = self.incremental && self.offset < buffer.len();
        assert_eq!(cqe.buffer_more(), kept, "{cqe:?}, {} of {} used", self.offset, buffer.len());
        if !kept {
            self.order.pop_front();
            self.offset = 0;
        }
        bytes
    }

    /// [`Group::take`], and the buffer goes back to the kernel if it has left it.
    #[track_caller]
    pub(crate) fn take_and_return(&mut self, bench: &mut Bench, cqe: Cqe) -> Vec<u8> {
        let bytes = self.take(cqe);
        if let Some(bid) = cqe.buffer().filter(|bid| !self.order.contains(bid)) {
            self.publish(bench, &[bid]);
        }
        bytes
    }
}
