//! The names of `src/util/heap.rs`, known to the ledger.
//!
//! # Safety
//! A pointer from [`leak`] owns its value until one [`reclaim`].
#![allow(unsafe_code, reason = "values in memory that the ledger keeps")]

use std::alloc::Layout;
use std::ptr::NonNull;

use super::sync::{alloc, dealloc};

pub(crate) fn leak<T>(value: T) -> NonNull<T> {
    // SAFETY: nothing without a size is leaked.
    let block = NonNull::new(unsafe { alloc(Layout::new::<T>()) }).unwrap().cast();
    // SAFETY: fresh memory of the value's layout.
    unsafe { block.write(value) };
    block
}

/// # Safety
/// The pointer came from [`leak`], and nobody uses it any more.
pub(crate) unsafe fn reclaim<T>(pointer: NonNull<T>) -> Box<T> {
    // SAFETY: the value is ours by the caller's word, and not looked at in its old place again.
    let value = Box::new(unsafe { pointer.read() });
    // SAFETY: from `alloc`, with this layout.
    unsafe { dealloc(pointer.as_ptr().cast(), Layout::new::<T>()) };
    value
}
