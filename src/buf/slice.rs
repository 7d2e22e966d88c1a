//! A part of a buffer, as a buffer.
//!
//! # Safety
//! A slice stays within the bounds that its constructors checked against the whole.

#![allow(unsafe_code, reason = "implements the buffer traits for a part of a buffer")]

use std::ops::{Bound, RangeBounds};

use super::{IoBuf, IoBufMut};

/// The bytes `begin..end` of a buffer: an operation touches those only, and gives the whole back.
///
/// # Examples
/// ```
/// use ringio::buf::{IoBuf, Slice};
/// let slice = Slice::new(vec![1u8, 2, 3, 4], 1..3);
/// assert_eq!(slice.len(), 2);
/// assert_eq!(slice.into_inner(), [1, 2, 3, 4]);
/// ```
#[derive(Debug)]
pub struct Slice<B> {
    whole: B,
    begin: usize,
    end: usize,
}

impl<B: IoBuf> Slice<B> {
    /// The initialised bytes in `range`, to be sent.
    ///
    /// # Panics
    /// If the range does not lie within the initialised bytes.
    ///
    /// # Examples
    /// ```
    /// use ringio::buf::{IoBuf, Slice};
    /// assert_eq!(Slice::new("hello", 1..).len(), 4);
    /// ```
    pub fn new(whole: B, range: impl RangeBounds<usize>) -> Self {
        let (begin, end) = bounds(&range, whole.len());
        Slice { whole, begin, end }
    }
}

impl<B: IoBufMut> Slice<B> {
    /// Room for up to `end - begin` received bytes.
    ///
    /// # Panics
    /// If the range does not lie within the capacity, or begins behind the initialised bytes.
    ///
    /// # Examples
    /// ```
    /// use ringio::buf::{IoBufMut, Slice};
    /// let slice = Slice::with_room(Vec::with_capacity(100), ..10);
    /// assert_eq!(slice.capacity(), 10);
    /// ```
    pub fn with_room(whole: B, range: impl RangeBounds<usize>) -> Self {
        let (begin, end) = bounds(&range, whole.capacity());
        assert!(begin <= whole.len(), "a slice cannot begin behind the initialised bytes");
        Slice { whole, begin, end }
    }
}

impl<B> Slice<B> {
    /// The whole buffer back.
    pub fn into_inner(self) -> B {
        self.whole
    }
}

fn bounds(range: &impl RangeBounds<usize>, limit: usize) -> (usize, usize) {
    let begin = match range.start_bound() {
        Bound::Included(&n) => n,
        Bound::Excluded(&n) => n + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&n) => n + 1,
        Bound::Excluded(&n) => n,
        Bound::Unbounded => limit,
    };
    assert!(begin <= end && end <= limit, "slice {begin}..{end} of a buffer of {limit} bytes");
    (begin, end)
}

// SAFETY: `begin` is within the whole's memory, whose address is stable; at most the initialised
// bytes of the whole are counted.
unsafe impl<B: IoBuf> IoBuf for Slice<B> {
    fn as_ptr(&self) -> *const u8 {
        self.whole.as_ptr().wrapping_add(self.begin)
    }
    fn len(&self) -> usize {
        self.end.min(self.whole.len()).saturating_sub(self.begin)
    }
}

// SAFETY: `end` is within the whole's capacity, which may be written.
unsafe impl<B: IoBufMut> IoBufMut for Slice<B> {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.whole.as_mut_ptr().wrapping_add(self.begin)
    }
    fn capacity(&self) -> usize {
        self.end - self.begin
    }
    unsafe fn set_len(&mut self, n: usize) {
        // SAFETY: the bytes before `begin` were initialised when the slice was made, and the
        // caller vouches for the `n` behind it.
        unsafe { self.whole.set_len(self.begin + n) }
    }
}
