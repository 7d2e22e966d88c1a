//! What a process holds, and that it holds no more than before.

use std::fs;

use super::allocator;

/// Memory of the process in bytes: mapped, and resident.
pub(crate) fn memory() -> (usize, usize) {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages = |place| statm.split(' ').nth(place).unwrap().parse::<usize>().unwrap();
    (4_096 * pages(0), 4_096 * pages(1))
}

/// How many descriptors are open, and one.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Descriptors, mappings, and heap blocks and bytes that are alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    descriptors: usize,
    mappings: usize,
    heap: (isize, isize),
}

impl Level {
    pub(crate) fn now() -> Level {
        // Their own memory is gone when the heap is looked at.
        let descriptors = descriptors();
        let mappings = fs::read_to_string("/proc/self/maps").unwrap().lines().count();
        Level { descriptors, mappings, heap: allocator::alive() }
    }
}
