//! Where freed memory waits: filled with a pattern, first in, first out, and looked at before it
//! is really freed.
//!
//! # Safety
//! Whoever puts a block here gives it away: it is whole, writable, and nobody's any more. The queue
//! has its own memory from the system's allocator, so nothing here comes back to itself; nothing
//! here allocates, panics or unwinds.

#![allow(unsafe_code, reason = "owns freed memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that are held at least, once so many were freed.
pub(crate) const HOLD: usize = 64 << 20;

/// Read as an address it points nowhere, as a length or a count it is absurd.
pub(crate) const PATTERN: u8 = 0xdb;

/// A block that was freed.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) address: *mut u8,
    pub(crate) size: usize,
    pub(crate) kind: Kind,
}

/// How a block is really freed.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// With this alignment, to the system's allocator.
    Heap(usize),
    /// To the kernel.
    Mapping,
}

/// A ring of blocks, which grows.
struct Queue {
    blocks: *mut Block,
    capacity: usize,
    first: usize,
    len: usize,
    bytes: usize,
}

// SAFETY: it owns what it points to.
unsafe impl Send for Queue {}

static QUEUE: Mutex<Queue> =
    Mutex::new(Queue { blocks: ptr::null_mut(), capacity: 0, first: 0, len: 0, bytes: 0 });

/// Blocks and mappings that have come here.
pub(crate) static FREED: AtomicUsize = AtomicUsize::new(0);
pub(crate) static UNMAPPED: AtomicUsize = AtomicUsize::new(0);

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a block over, and frees the oldest ones if enough is held without them.
///
/// # Safety
/// `size` bytes at `address` are writable, and from now on nobody's.
pub(crate) unsafe fn put(block: Block) {
    // SAFETY: the caller gives so many bytes away.
    unsafe { ptr::write_bytes(block.address, PATTERN, block.size) };
    FREED.fetch_add(1, Ordering::Relaxed);
    if matches!(block.kind, Kind::Mapping) {
        UNMAPPED.fetch_add(1, Ordering::Relaxed);
    }
    let mut queue = queue();
    queue.push(block);
    while let Some(oldest) = queue.pop_superfluous() {
        drop(queue);
        check(oldest);
        release(oldest);
        queue = self::queue();
    }
}

/// Looks at everything that is held; gives the number of bytes.
pub(crate) fn inspect() -> usize {
    let queue = queue();
    for place in 0..queue.len {
        check(queue.get(place));
    }
    queue.bytes
}

impl Queue {
    fn layout(capacity: usize) -> Layout {
        Layout::array::<Block>(capacity).unwrap_or_else(|_| die())
    }

    fn get(&self, place: usize) -> Block {
        let at = (self.first + place) % self.capacity;
        // SAFETY: within the ring, and `place` is below `len`, so it was written.
        unsafe { self.blocks.wrapping_add(at).read() }
    }

    fn push(&mut self, block: Block) {
        if self.len == self.capacity {
            self.grow();
        }
        let at = (self.first + self.len) % self.capacity;
        // SAFETY: within the ring.
        unsafe { self.blocks.wrapping_add(at).write(block) };
        self.len += 1;
        self.bytes += block.size;
    }

    fn grow(&mut self) {
        let capacity = (self.capacity * 2).max(1 << 16);
        // SAFETY: not of size zero.
        let blocks = unsafe { System.alloc(Self::layout(capacity)) }.cast::<Block>();
        if blocks.is_null() {
            die();
        }
        for place in 0..self.len {
            // SAFETY: the new ring is larger.
            unsafe { blocks.wrapping_add(place).write(self.get(place)) };
        }
        if self.capacity > 0 {
            // SAFETY: it was allocated here with this layout.
            unsafe { System.dealloc(self.blocks.cast(), Self::layout(self.capacity)) };
        }
        (self.blocks, self.capacity, self.first) = (blocks, capacity, 0);
    }

    /// The oldest block, if enough is held without it.
    fn pop_superfluous(&mut self) -> Option<Block> {
        if self.len == 0 {
            return None;
        }
        let oldest = self.get(0);
        if self.bytes - oldest.size < HOLD {
            return None;
        }
        self.first = (self.first + 1) % self.capacity;
        self.len -= 1;
        self.bytes -= oldest.size;
        Some(oldest)
    }
}

/// Ends the program if somebody has written to a block.
fn check(block: Block) {
    let Block { address, size, .. } = block;
    if size == 0 {
        return;
    }
    // All bytes are the same if the first is the pattern and each is like the one before. The
    // comparison is the C library's: a stray writer that races with it is what it is there to find.
    // SAFETY: the block is ours.
    let first = unsafe { address.read_volatile() };
    let behind = address.wrapping_add(1);
    // SAFETY: as above; there are `size - 1` bytes behind the first.
    let differ = unsafe { libc::memcmp(address.cast(), behind.cast(), size - 1) };
    let same = first == PATTERN && differ == 0;
    if !same {
        report(block);
    }
}

fn release(Block { address, size, kind }: Block) {
    match kind {
        Kind::Heap(align) => {
            // SAFETY: it was the layout of an allocation before.
            let layout = unsafe { Layout::from_size_align_unchecked(size, align) };
            // SAFETY: allocated by `System` with this layout, and nobody's.
            unsafe { System.dealloc(address, layout) };
        }
        Kind::Mapping => {
            // SAFETY: a whole mapping, which nobody uses.
            if unsafe { libc::syscall(libc::SYS_munmap, address, size) } != 0 {
                die();
            }
        }
    }
}

/// Says what was written and ends the program, without allocating.
fn report(block: Block) -> ! {
    // SAFETY: the block is ours.
    let byte = |at: usize| unsafe { block.address.wrapping_add(at).read_volatile() };
    let wrong = |at: &usize| byte(*at) != PATTERN;
    let (mut count, mut last) = (0, 0);
    let first = (0..block.size).find(wrong).unwrap_or(0);
    for at in (first..block.size).filter(wrong) {
        (count, last) = (count + 1, at);
    }
    let what = match block.kind {
        Kind::Heap(_) => "block",
        Kind::Mapping => "mapping",
    };
    let mut line = Line::default();
    let _ = write!(
        line,
        "\nSTRAY WRITE: freed {what} at {:p} of {} bytes: {count} bytes wrong at offsets \
         {first}..={last}, beginning {:02x?}\n",
        block.address,
        block.size,
        [first, first + 1, first + 2, first + 3].map(|at| byte(at.min(block.size - 1))),
    );
    // SAFETY: writes bytes of the line.
    unsafe { libc::write(2, line.bytes.as_ptr().cast(), line.len) };
    die()
}

/// Ends the program as a failed test does.
pub(crate) fn die() -> ! {
    // SAFETY: ends it at once.
    unsafe { libc::_exit(101) }
}

/// A line without a heap.
struct Line {
    bytes: [u8; 300],
    len: usize,
}

impl Default for Line {
    fn default() -> Self {
        Line { bytes: [0; 300], len: 0 }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let n = text.len().min(self.bytes.len() - self.len);
        self.bytes[self.len..self.len + n].copy_from_slice(&text.as_bytes()[..n]);
        self.len += n;
        Ok(())
    }
}
