//! What a process holds, and that it holds no more than before.

use std::fs;
use std::os::fd::RawFd;

use super::allocator;

/// Memory of the process in bytes: mapped, and resident.
pub(crate) fn memory() -> (usize, usize) {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages = |place| statm.split(' ').nth(place).unwrap().parse::<usize>().unwrap();
    (4_096 * pages(0), 4_096 * pages(1))
}

/// The descriptors that name a ring.
pub(crate) fn rings() -> impl Iterator<Item = RawFd> {
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(Result::unwrap);
    let is_ring = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == "anon_inode:[io_uring]")
    };
    entries.filter(is_ring).map(|entry| entry.file_name().to_str().unwrap().parse().unwrap())
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
