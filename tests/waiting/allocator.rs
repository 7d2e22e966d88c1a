//! An allocator that counts what a thread asks of it.
//!
//! # Safety
//! Every call is passed on, unchanged, to the system's allocator, which keeps the contract.

#![allow(unsafe_code, reason = "implements the unsafe trait GlobalAlloc")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Allocations of this thread so far.
pub(crate) fn allocations() -> usize {
    CALLS.get()
}

pub(crate) struct Counting;

// SAFETY: the system's allocator does the work, and what is beside it only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(block, layout, size) }
    }
}
