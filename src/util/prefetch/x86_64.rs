//! PREFETCHT0.
//!
//! # Safety
//! The instruction is a hint: it neither reads nor faults, whatever the address.
#![allow(unsafe_code, reason = "an instruction")]

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Bytes that one instruction brings near.
const LINE: usize = 64;

/// Has the cache fetch what is at an address and behind it. The address may be anything: one that
/// is not mapped is ignored.
#[inline]
pub(crate) fn prefetch(address: *const (), bytes: usize) {
    for offset in (0..bytes).step_by(LINE) {
        // SAFETY: see above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.wrapping_byte_add(offset).cast()) };
    }
}
