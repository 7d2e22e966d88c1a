//! [`Owner`]: tells the process that made a ring from its forked children.
//!
//! A child has the ring's descriptor but none of its memory (`MADV_DONTFORK`), so it must neither
//! touch the queues nor unmap them. Asking the kernel for the process id would cost a system call
//! for each SQE; a page that fork(2) wipes costs a load.
//!
//! # Safety
//! The page is mapped once, aligned, never unmapped, and only read and written as an `AtomicU32`.
#![allow(unsafe_code, reason = "a page from mmap(2) becomes a &'static AtomicU32")]

use std::io;
use std::num::NonZeroUsize;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};

#[derive(Debug)]
pub(crate) struct Owner {
    /// The process id of whoever made rings in this process, 0 in a child that made none.
    mark: &'static AtomicU32,
    pid: u32,
}

impl Owner {
    /// The calling process.
    pub(crate) fn here() -> io::Result<Owner> {
        let (mark, pid) = (mark()?, process::id());
        mark.store(pid, Ordering::Relaxed);
        Ok(Owner { mark, pid })
    }

    /// Whether the caller is the process that this owner was made in.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        self.mark.load(Ordering::Relaxed) == self.pid
    }
}

fn mark() -> io::Result<&'static AtomicU32> {
    static MARK: OnceLock<&'static AtomicU32> = OnceLock::new();
    if let Some(mark) = MARK.get() {
        return Ok(mark);
    }
    let (length, access) = (NonZeroUsize::MIN, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE);
    // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
    let page = unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_PRIVATE) }?;
    // SAFETY: the advice concerns one page, the one that was just mapped.
    unsafe { madvise(page, 1, MmapAdvise::MADV_WIPEONFORK) }?;
    // SAFETY: page-aligned, readable and writable, zeroed, and never unmapped; nobody else has the
    // address.
    let mark = unsafe { page.cast::<AtomicU32>().as_ref() };
    // Two threads may race to here; the loser's page stays mapped and unused.
    Ok(MARK.get_or_init(|| mark))
}
