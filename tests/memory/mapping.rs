//! mmap(2) and munmap(2) of this program: an anonymous private mapping that is given back waits in
//! the quarantine. These are the buffer pools, and the rings of buffers.
//!
//! # Safety
//! The three functions replace those of the C library for all that is linked statically, which
//! does not include the C library itself: its stacks and heaps do not come here. Each does what
//! its namesake does, but that `munmap` puts it off. A mapping that something else than a whole
//! `munmap` has changed is not put off: a part of it may not be writable.

#![allow(unsafe_code, reason = "replaces functions of the C library")]

use std::ffi::{c_int, c_void};
use std::sync::{Mutex, PoisonError};

use super::quarantine::{self, Block, Kind};

const PAGE: usize = 4096;
const WRITABLE: c_int = libc::PROT_READ | libc::PROT_WRITE;
const ANONYMOUS: c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;

/// Mappings at a time; loops that are leaked keep theirs.
const MOST: usize = 8192;

/// Address and size of each mapping that will wait; 0 is a free place.
static MAPPINGS: Mutex<[(usize, usize); MOST]> = Mutex::new([(0, 0); MOST]);

fn note(address: usize, size: usize) {
    let mut mappings = MAPPINGS.lock().unwrap_or_else(PoisonError::into_inner);
    match mappings.iter_mut().find(|place| place.0 == 0) {
        Some(place) => *place = (address, size),
        None => quarantine::die(),
    }
}

/// Forgets what it knows of a range; says whether that was one mapping and all of it.
fn forget(address: usize, size: usize) -> bool {
    let mut mappings = MAPPINGS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut whole = false;
    for place in mappings.iter_mut().filter(|place| place.0 != 0) {
        if place.0 < address + size && address < place.0 + place.1 {
            whole |= *place == (address, size);
            *place = (0, 0);
        }
    }
    whole
}

#[unsafe(no_mangle)]
extern "C" fn mmap(
    address: *mut c_void,
    size: usize,
    protection: c_int,
    flags: c_int,
    fd: c_int,
    offset: libc::off_t,
) -> *mut c_void {
    // SAFETY: what the caller asks for.
    let mapped =
        unsafe { libc::syscall(libc::SYS_mmap, address, size, protection, flags, fd, offset) };
    let mapped = mapped as *mut c_void;
    if mapped != libc::MAP_FAILED && protection == WRITABLE && flags == ANONYMOUS {
        note(mapped as usize, size.next_multiple_of(PAGE));
    }
    mapped
}

#[unsafe(no_mangle)]
extern "C" fn mprotect(address: *mut c_void, size: usize, protection: c_int) -> c_int {
    forget(address as usize, size.next_multiple_of(PAGE));
    // SAFETY: what the caller asks for.
    unsafe { libc::syscall(libc::SYS_mprotect, address, size, protection) as c_int }
}

#[unsafe(no_mangle)]
extern "C" fn munmap(address: *mut c_void, size: usize) -> c_int {
    let rounded = size.next_multiple_of(PAGE);
    if address.is_null() || !forget(address as usize, rounded) {
        // SAFETY: what the caller asks for.
        return unsafe { libc::syscall(libc::SYS_munmap, address, size) as c_int };
    }
    let block = Block { address: address.cast(), size: rounded, kind: Kind::Mapping };
    // SAFETY: a whole mapping, readable and writable, that the caller gives away.
    unsafe { quarantine::put(block) };
    0
}
