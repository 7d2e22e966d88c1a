//! An allocator that spoils freed memory, so that the simulated kernel finds memory that was freed
//! under an operation, and that counts what each thread holds.
//!
//! # Safety
//! Allocation is the system's; a block is filled while it still belongs to whoever frees it.

#![allow(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Spoiling;

#[global_allocator]
static ALLOCATOR: Spoiling = Spoiling;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Bytes that this thread has allocated and not freed; negative if it freed those of others.
pub(crate) fn held() -> isize {
    HELD.get()
}

fn count(bytes: isize) {
    // A thread's last frees come after its thread-locals.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: passes on to `System`, which keeps the contract; filling happens before freeing.
unsafe impl GlobalAlloc for Spoiling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's word is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the block is `size` bytes long, and nobody else's.
        unsafe { block.write_bytes(0xdd, layout.size()) };
        // SAFETY: the caller's word is passed on.
        unsafe { System.dealloc(block, layout) }
    }
}
