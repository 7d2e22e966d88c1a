//! An allocator that counts what a thread asks of it, and holds.
//!
//! # Safety
//! Every call is passed on, unchanged, to the system's allocator, which keeps the contract.

#![allow(unsafe_code, reason = "implements the unsafe trait GlobalAlloc")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Allocations of this thread so far.
pub(crate) fn allocations() -> usize {
    CALLS.get()
}

/// Bytes that this thread has asked for and not given back; less than none if it gives back what
/// others have asked for.
pub(crate) fn held() -> isize {
    HELD.get()
}

fn hold(more: usize, less: usize) {
    HELD.set(HELD.get() + more as isize - less as isize);
}

pub(crate) struct Counting;

// SAFETY: the system's allocator does the work, and what is beside it only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        hold(layout.size(), 0);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        hold(0, layout.size());
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        hold(size, layout.size());
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(block, layout, size) }
    }
}
