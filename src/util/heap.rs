//! Boxes whose owner is a pointer, which threads hand to each other.
//!
//! # Safety
//! A pointer from [`leak`] owns its value until one [`reclaim`].
#![allow(unsafe_code, reason = "a box again out of its pointer")]

use std::ptr::NonNull;

/// A box that is known by its pointer from now on.
pub(crate) fn leak<T>(value: T) -> NonNull<T> {
    NonNull::from(Box::leak(Box::new(value)))
}

/// The box again.
///
/// # Safety
/// The pointer came from [`leak`], and nobody uses it any more.
pub(crate) unsafe fn reclaim<T>(pointer: NonNull<T>) -> Box<T> {
    // SAFETY: the caller's promise.
    unsafe { Box::from_raw(pointer.as_ptr()) }
}
