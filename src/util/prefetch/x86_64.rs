//! PREFETCHT0.
//!
//! # Safety
//! The instruction is a hint: it neither reads nor faults, whatever the address.
#![allow(unsafe_code, reason = "an instruction")]

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

#[inline]
pub(super) fn line(address: *const ()) {
    // SAFETY: see above.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
}
