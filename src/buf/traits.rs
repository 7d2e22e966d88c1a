//! What a value must promise so that the kernel may read from it or write to it.
//!
//! # Safety
//! The implementations below name heap or static memory that does not move with the value. That
//! of `Chunk` stands beside the pool whose memory it names.

#![allow(unsafe_code, reason = "the traits promise memory to the kernel")]

/// A buffer that the kernel can read from.
///
/// # Examples
/// ```
/// use ringio::buf::IoBuf;
/// assert_eq!(IoBuf::len(&vec![1u8, 2, 3]), 3);
/// assert_eq!(IoBuf::len(&"text"), 4);
/// ```
///
/// # Safety
/// The address and `len` stay the same while the value moves and until it is used or dropped,
/// nothing else writes there meanwhile, and `len` bytes are initialised.
pub unsafe trait IoBuf: 'static {
    /// The first byte.
    fn as_ptr(&self) -> *const u8;

    /// How many bytes are initialised.
    fn len(&self) -> usize;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A buffer that the kernel can write to: a `Vec<u8>`, or a [`Slice`](super::Slice) of one.
///
/// # Examples
/// ```
/// use ringio::buf::IoBufMut;
/// let buffer: Vec<u8> = Vec::with_capacity(100);
/// assert!(IoBufMut::capacity(&buffer) >= 100);
/// ```
///
/// # Safety
/// As [`IoBuf`], the capacity stays the same too, and that many bytes may be written from
/// `as_mut_ptr`.
pub unsafe trait IoBufMut: IoBuf {
    /// The first byte that may be written.
    fn as_mut_ptr(&mut self) -> *mut u8;

    /// How many bytes may be written.
    fn capacity(&self) -> usize;

    /// Makes the first `n` bytes the whole contents: what was there before is replaced.
    ///
    /// # Safety
    /// The first `n` bytes are initialised, and `n` is at most the capacity.
    unsafe fn set_len(&mut self, n: usize);
}

/// Implements [`IoBuf`] for types whose bytes live outside the value and deref to them.
macro_rules! io_buf {
    ($($type:ty => $bytes:ident),* $(,)?) => { $(
        // SAFETY: the bytes are heap, static or leased memory that the value only points to, and
        // are reachable through the value alone or are never written.
        unsafe impl IoBuf for $type {
            fn as_ptr(&self) -> *const u8 {
                self.$bytes().as_ptr()
            }
            fn len(&self) -> usize {
                self.$bytes().len()
            }
        }
    )* };
}

io_buf! {
    Vec<u8> => as_slice,
    Box<[u8]> => as_ref,
    String => as_bytes,
    &'static str => as_bytes,
    std::rc::Rc<[u8]> => as_ref,
    std::sync::Arc<[u8]> => as_ref,
}

// SAFETY: static memory that nobody writes.
unsafe impl IoBuf for &'static [u8] {
    fn as_ptr(&self) -> *const u8 {
        (**self).as_ptr()
    }
    fn len(&self) -> usize {
        (**self).len()
    }
}

// SAFETY: static memory that nobody writes.
unsafe impl<const N: usize> IoBuf for &'static [u8; N] {
    fn as_ptr(&self) -> *const u8 {
        (**self).as_ptr()
    }
    fn len(&self) -> usize {
        N
    }
}

// SAFETY: a vector owns `capacity` bytes of heap memory, which stay where they are while it moves.
unsafe impl IoBufMut for Vec<u8> {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }
    fn capacity(&self) -> usize {
        self.capacity()
    }
    unsafe fn set_len(&mut self, n: usize) {
        // SAFETY: the caller vouches for `n` initialised bytes within the capacity.
        unsafe { self.set_len(n) }
    }
}
