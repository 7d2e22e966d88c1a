//! An allocator that counts what each thread asks for.
//!
//! Plain numbers of the thread: an atomic would cost the contestant that allocates more.
//!
//! # Safety
//! Every call is passed on, unchanged, to the system's allocator, which keeps the contract.

#![allow(unsafe_code, reason = "implements the unsafe trait GlobalAlloc")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

/// What one thread has asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap {
    /// Blocks, those among them that grew.
    pub(crate) allocations: u64,
    /// Bytes that were allocated and not freed.
    pub(crate) bytes: i64,
}

thread_local! {
    // Needs no destructor, and so may be used in any other's.
    static HEAP: Cell<Heap> = const { Cell::new(Heap { allocations: 0, bytes: 0 }) };
}

/// What this thread has asked for so far.
pub(crate) fn heap() -> Heap {
    HEAP.get()
}

fn count(allocations: u64, bytes: i64) {
    let heap = HEAP.get();
    HEAP.set(Heap { allocations: heap.allocations + allocations, bytes: heap.bytes + bytes });
}

// SAFETY: the system's allocator does the work, and what is beside it only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(block, layout, size) }
    }
}
