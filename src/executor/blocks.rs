//! The memory of finished tasks, kept for the next ones.
//!
//! # Safety
//! A free block holds the link to the next free one of its size. Blocks come from the global
//! allocator with exactly the layout that [`size_class`] stands for, so they may go back there
//! from anywhere.
#![allow(unsafe_code, reason = "an allocator")]

use std::alloc::{Layout, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use crate::util::sync::{alloc, dealloc};

/// Sizes are rounded up to this many bytes, as most allocators do anyway.
const STEP: usize = 16;

/// Blocks up to `STEP * CLASSES` bytes are kept; larger ones are rare and not worth it.
const CLASSES: usize = 64;

/// How much is kept in all, in bytes: enough for waves of ten thousand tasks.
const KEEP: usize = 4 * 1024 * 1024;

/// The layout that a task's block is allocated with, so that tasks of similar size can follow
/// each other in one.
pub(super) const fn rounded(layout: Layout) -> Layout {
    let align = if layout.align() < STEP { STEP } else { layout.align() };
    let size = layout.size().next_multiple_of(align);
    match Layout::from_size_align(size, align) {
        Ok(layout) => layout,
        Err(_) => panic!("a future is too large"),
    }
}

/// Which list a rounded layout belongs to.
#[inline]
fn size_class(layout: Layout) -> Option<usize> {
    let class = layout.size() / STEP - 1;
    (class < CLASSES && layout.align() == STEP).then_some(class)
}

/// Free blocks by size, most recently used first. Its owner's thread only.
pub(super) struct Blocks {
    lists: [List; CLASSES],
    /// Bytes in all lists.
    kept: Cell<usize>,
}

struct List {
    first: Cell<*mut Free>,
}

struct Free {
    next: *mut Free,
}

impl Default for Blocks {
    fn default() -> Self {
        Blocks {
            lists: [const { List { first: Cell::new(ptr::null_mut()) } }; CLASSES],
            kept: Cell::new(0),
        }
    }
}

impl List {
    #[inline]
    fn pop(&self) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.first.get())?;
        // SAFETY: what is in the list is free, ours, and holds a link.
        self.first.set(unsafe { block.as_ref() }.next);
        Some(block.cast())
    }
}

impl Blocks {
    /// Memory of a [`rounded`] layout, not initialized.
    #[inline]
    pub(super) fn allocate(&self, layout: Layout) -> NonNull<u8> {
        if let Some(block) = size_class(layout).and_then(|class| self.lists[class].pop()) {
            self.kept.set(self.kept.get() - layout.size());
            return block;
        }
        // SAFETY: a rounded layout is not empty.
        let block = unsafe { alloc(layout) };
        NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It is the caller's, and was allocated with this [`rounded`] layout.
    #[inline]
    pub(super) unsafe fn free(&self, block: NonNull<u8>, layout: Layout) {
        let list = size_class(layout).map(|class| &self.lists[class]);
        match list {
            Some(list) if self.kept.get() < KEEP => {
                let block = block.cast::<Free>();
                // SAFETY: it is ours, and large and aligned enough for a link.
                unsafe { block.write(Free { next: list.first.get() }) };
                list.first.set(block.as_ptr());
                self.kept.set(self.kept.get() + layout.size());
            }
            // SAFETY: the caller's promise.
            _ => unsafe { dealloc(block.as_ptr(), layout) },
        }
    }

    /// Gives everything back to the global allocator.
    pub(super) fn clear(&self) {
        for (class, list) in self.lists.iter().enumerate() {
            let layout = Layout::from_size_align((class + 1) * STEP, STEP)
                .expect("a class is a rounded layout");
            while let Some(block) = list.pop() {
                // SAFETY: each block of this list has this layout.
                unsafe { dealloc(block.as_ptr(), layout) };
            }
        }
        self.kept.set(0);
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.clear();
    }
}
