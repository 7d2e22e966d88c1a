//! The program's allocator: the system's, with a quarantine.
//!
//! # Safety
//! Memory comes from [`System`] and goes back to it by way of the quarantine, with the layout that
//! it was allocated with.

#![allow(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};

use super::quarantine::{self, Block, Kind};

/// Nothing that it takes back is free at once.
pub(crate) struct Quarantining;

// SAFETY: `System` is one, and a block that waits in between is nobody's.
unsafe impl GlobalAlloc for Quarantining {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        let kind = Kind::Heap(layout.align());
        // SAFETY: the caller gives the block away.
        unsafe { quarantine::put(Block { address, size: layout.size(), kind }) };
    }

    /// Always to another place.
    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller vouches for the size, and the alignment was one before.
        let new_layout = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: not of size zero, by the caller's word.
        let new = unsafe { System.alloc(new_layout) };
        if !new.is_null() {
            let kept = size.min(layout.size());
            // SAFETY: both blocks have so many bytes, and they are two.
            unsafe { std::ptr::copy_nonoverlapping(address, new, kept) };
            // SAFETY: the old one is the caller's no more.
            unsafe { self.dealloc(address, layout) };
        }
        new
    }
}
