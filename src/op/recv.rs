//! recv(2) for transports.
//!
//! # Safety
//! See [`Driver::submit_to`]: the sink owns the memory until the final completion.

#![allow(unsafe_code, reason = "hands memory to the kernel")]

use std::cell::Cell;
use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;

use uring_sys_shim::{Caps, Cqe, GroupId, sqe};

use crate::driver::{Chunk, Driver, OpKey, Routing, Sink};

/// Receives into kernel-filled buffers: once, or `on_and_on`. Where the kernel can bound it, the
/// latter is a multishot that ends by itself after the driver's credit; elsewhere it is one receive.
pub(crate) fn into_group(
    driver: &Driver,
    fd: RawFd,
    on_and_on: bool,
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    let group = GroupId(0);
    let sqe = if on_and_on && driver.caps().contains(Caps::RECV_CAPS) {
        sqe::recv_multi(fd, group, 0, 0, driver.credit())
    } else {
        sqe::recv_group(fd, group, driver.credit().min(driver.pool().buffer_size()), 0)
    };
    // SAFETY: the SQE names no memory but the group's, which the driver owns.
    unsafe { driver.submit_to(sqe, sink, tag) }
}

/// Receives once, into `capacity` bytes at `target`.
///
/// # Safety
/// As [`Driver::submit_to`].
pub(crate) unsafe fn into_memory(
    driver: &Driver,
    fd: RawFd,
    (target, capacity): (*mut u8, usize),
    sink: Rc<dyn Sink>,
    tag: u32,
) -> io::Result<OpKey> {
    let capacity = u32::try_from(capacity).unwrap_or(MAX_LENGTH).min(MAX_LENGTH);
    // SAFETY: passed on to the caller.
    unsafe { driver.submit_to(sqe::recv(fd, target, capacity, 0), sink, tag) }
}

/// More than any one read or write moves (read(2): 0x7ffff000 bytes).
pub(crate) const MAX_LENGTH: u32 = 0x7fff_f000;

/// What to do with the bytes of [`into_heap`], and with its completion.
pub(crate) type Then = Box<dyn FnOnce(Chunk, Cqe, &mut Routing<'_>)>;

/// Receives once into up to `capacity` bytes of fresh heap memory.
pub(crate) fn into_heap(
    driver: &Driver,
    fd: RawFd,
    capacity: usize,
    then: Then,
) -> io::Result<OpKey> {
    let mut memory = Vec::with_capacity(capacity);
    let target = memory.as_mut_ptr();
    let sink = Rc::new(HeapReceive { memory: Cell::new(memory), then: Cell::new(Some(then)) });
    // SAFETY: the heap memory does not move with its vector, which the sink holds, untouched,
    // until its one completion.
    unsafe { into_memory(driver, fd, (target, capacity), sink, 0) }
}

/// Owns the memory of one receive.
struct HeapReceive {
    memory: Cell<Vec<u8>>,
    then: Cell<Option<Then>>,
}

impl Sink for HeapReceive {
    fn complete(self: Rc<Self>, _: u32, cqe: Cqe, routing: &mut Routing<'_>) {
        let mut memory = self.memory.take();
        let count = usize::try_from(cqe.res).unwrap_or(0);
        assert!(count <= memory.capacity(), "the kernel received more than there was room for");
        // SAFETY: the kernel initialised the first `count` bytes, and they are within the capacity.
        unsafe { memory.set_len(count) };
        if let Some(then) = self.then.take() {
            then(Chunk::copy_of(&memory), cqe, routing);
        }
    }
}
