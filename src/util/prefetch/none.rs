//! Where stable Rust knows no such instruction.

#[inline]
pub(super) fn line(_: *const ()) {}
