//! [`Memory`]: bytes that a test lends to a ring.
//!
//! # Safety
//! A block is allocated once and freed when nobody has it any more; the bench that lends it to a
//! ring has it until that ring is gone. Nobody makes references into it.
#![allow(unsafe_code, reason = "memory that the kernel reads and writes")]

use std::rc::Rc;

/// Bytes in a place that does not move. Clones are the same bytes.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Rc<Block>);

#[derive(Debug)]
struct Block {
    start: *mut u8,
    len: usize,
}

impl Memory {
    pub(crate) fn zeroed(len: usize) -> Memory {
        let start = Box::into_raw(vec![0_u8; len].into_boxed_slice());
        Memory(Rc::new(Block { start: start.cast(), len }))
    }

    /// A copy of these values, byte for byte.
    pub(crate) fn of<T: Copy>(values: &[T]) -> Memory {
        let memory = Memory::zeroed(size_of_val(values));
        let from = values.as_ptr().cast::<u8>();
        // SAFETY: both are that long, and the block is new.
        unsafe { memory.0.start.copy_from_nonoverlapping(from, memory.0.len) };
        memory
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.0.start
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len
    }

    /// The part that the kernel is done with.
    pub(crate) fn bytes(&self, from: usize, len: usize) -> Vec<u8> {
        assert!(from + len <= self.0.len, "{len} bytes from {from} of {}", self.0.len);
        let mut bytes = vec![0; len];
        let part = self.0.start.wrapping_add(from);
        // SAFETY: within the block, as was just checked; the kernel does not write there now.
        unsafe { part.copy_to_nonoverlapping(bytes.as_mut_ptr(), len) };
        bytes
    }

    /// Overwrites all of it.
    pub(crate) fn fill(&self, byte: u8) {
        // SAFETY: the block is that long.
        unsafe { self.0.start.write_bytes(byte, self.0.len) };
    }

    /// As a piece of a vectored send.
    pub(crate) fn slice(&self) -> libc::iovec {
        libc::iovec { iov_base: self.start().cast(), iov_len: self.len() }
    }

    /// A `msghdr` that names an array of slices.
    pub(crate) fn message(slices: &Memory) -> Memory {
        // SAFETY: all-zero is a `msghdr`: null pointers with zero lengths.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = slices.start().cast();
        message.msg_iovlen = slices.len() / size_of::<libc::iovec>();
        Memory::of(&[message])
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let whole = std::ptr::slice_from_raw_parts_mut(self.start, self.len);
        // SAFETY: it came from `Box::into_raw` as this slice, and nobody else has it.
        drop(unsafe { Box::from_raw(whole) });
    }
}
