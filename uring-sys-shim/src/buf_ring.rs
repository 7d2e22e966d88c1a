//! [`BufRing`]: the memory through which a group's buffers are handed to the kernel.
//!
//! # Safety
//! The mapping belongs to its `BufRing` alone until it is dropped. The kernel pins its pages while
//! the group is registered, only reads them, and only entries below the published tail; entries
//! are written before the tail is.
#![allow(unsafe_code, reason = "the ring is memory shared with the kernel")]

use std::io;
use std::mem::size_of;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::BufRingEntry;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};

#[derive(Debug)]
pub(crate) struct BufRing {
    memory: NonNull<BufRingEntry>,
    entries: u16,
    /// Counts the buffers appended, wrapping at 2¹⁶.
    tail: u16,
    published: u16,
}

impl BufRing {
    /// Maps room for `entries` buffers; the kernel wants a power of two, at most 32,768.
    pub(crate) fn new(entries: u16) -> io::Result<BufRing> {
        if !entries.is_power_of_two() {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let memory =
            unsafe { mmap_anonymous(None, length(entries), access, MapFlags::MAP_PRIVATE) }?;
        let ring = BufRing { memory: memory.cast(), entries, tail: 0, published: 0 };
        // Without it a fork makes the pages copy-on-write: the kernel would go on reading the
        // pinned ones while this process writes to a copy.
        // SAFETY: the advice concerns the mapping that was just made.
        unsafe { madvise(memory, length(entries).get(), MmapAdvise::MADV_DONTFORK) }?;
        Ok(ring)
    }

    pub(crate) fn address(&self) -> u64 {
        self.memory.as_ptr() as u64
    }

    #[inline]
    pub(crate) fn provide(&mut self, bid: u16, address: *mut u8, len: u32) {
        let unpublished = self.tail.wrapping_sub(self.published);
        assert!(unpublished < self.entries, "more buffers than the group has entries");
        let index = self.tail & (self.entries - 1);
        // SAFETY: the index is below the number of entries, so it lies in the mapping.
        let entry = unsafe { self.memory.add(usize::from(index)) };
        // SAFETY: aligned and mapped; the kernel does not look at entries above the tail that was
        // published, and reads the tail, which is the first entry's last field, without writing.
        let entry = unsafe { &mut *entry.as_ptr() };
        // Field by field, because the first entry's last field is the tail.
        entry.set_addr(address as u64);
        entry.set_len(len);
        entry.set_bid(bid);
        self.tail = self.tail.wrapping_add(1);
    }

    #[inline]
    pub(crate) fn publish(&mut self) {
        // SAFETY: the first entry lies in the mapping.
        let tail = unsafe { BufRingEntry::tail(self.memory.as_ptr()) };
        // SAFETY: the tail is an aligned u16 in memory that lives as long as self; the kernel
        // reads it atomically and nothing else in this process refers to it now.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        tail.store(self.tail, Ordering::Release);
        self.published = self.tail;
    }
}

impl Drop for BufRing {
    fn drop(&mut self) {
        // SAFETY: the range is the mapping made in `new`, and nothing refers to it any more; pages
        // that the kernel still reads are pinned by it and outlive the mapping.
        let unmapped = unsafe { munmap(self.memory.cast(), length(self.entries).get()) };
        debug_assert_eq!(unmapped, Ok(()));
    }
}

fn length(entries: u16) -> NonZeroUsize {
    NonZeroUsize::new(usize::from(entries) * size_of::<BufRingEntry>()).expect("a power of two")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_powers_of_two() {
        for entries in [0, 3, 100, u16::MAX] {
            assert_eq!(BufRing::new(entries).unwrap_err().raw_os_error(), Some(libc::EINVAL));
        }
    }

    #[test]
    #[should_panic(expected = "more buffers than the group has entries")]
    fn one_buffer_too_many_panics() {
        let mut ring = BufRing::new(2).unwrap();
        for bid in 0..3 {
            ring.provide(bid, std::ptr::null_mut(), 0);
        }
    }

    #[test]
    fn the_first_entry_leaves_the_tail_alone() {
        let mut ring = BufRing::new(1).unwrap();
        for bid in 0..3 {
            ring.provide(bid, std::ptr::null_mut(), u32::MAX);
            // SAFETY: the first entry lies in the mapping.
            let tail = unsafe { BufRingEntry::tail(ring.memory.as_ptr()) };
            // SAFETY: aligned and initialised; nobody writes it meanwhile.
            assert_eq!(unsafe { tail.read() }, bid);
            ring.publish();
        }
    }
}
