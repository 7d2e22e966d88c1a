//! [`Chunk`]: a lease on memory that the kernel filled.
//!
//! # Safety
//! A chunk points into a buffer of the pool that its lease keeps from being given to the kernel
//! again, or into heap memory that it shares and nobody writes. The lease holds the pool alive.

#![allow(unsafe_code, reason = "reads memory that the kernel has written")]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;

use crate::buf::IoBuf;

use super::pool::Pool;

/// Received bytes: a lease on memory that the kernel filled.
///
/// It derefs to `[u8]`, can be split, kept, and sent as it is. The memory goes back to the loop's
/// pool when the last chunk that points into it is dropped; a chunk may outlive its loop. Whoever
/// keeps many chunks for long should copy them: when the pool runs low, receiving goes on with
/// copies on the heap.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::{TcpListener, TcpStream};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let mut client = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut server, _) = listener.accept().await?;
/// client.write_all("key=value").await.0?;
/// let mut chunk = server.recv().await?;
/// let key = chunk.split_to(4);
/// assert_eq!((&key[..], &chunk[..]), (&b"key="[..], &b"value"[..]));
/// server.write_all(chunk).await.0?;
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct Chunk {
    start: NonNull<u8>,
    lease: Lease,
}

/// How many bytes there are, and what keeps them.
enum Lease {
    Empty,
    /// In a buffer of the pool.
    Pool {
        bid: u16,
        len: u32,
        pool: Rc<Pool>,
    },
    /// Rare, so it is not in the way of the others.
    Heap(Box<OnHeap>),
}

struct OnHeap {
    len: usize,
    bytes: Rc<[u8]>,
}

// Chunks lie in the futures of many connections.
const _: () = assert!(size_of::<Chunk>() <= 24);

impl Chunk {
    /// Bytes of a buffer, for which the pool has counted a lease.
    pub(super) fn leased(pool: Rc<Pool>, bid: u16, start: NonNull<u8>, len: u32) -> Chunk {
        Chunk { start, lease: Lease::Pool { bid, len, pool } }
    }

    /// No bytes: what a receive gives at the end of the stream.
    pub(crate) fn empty() -> Chunk {
        Chunk { start: NonNull::dangling(), lease: Lease::Empty }
    }

    /// The bytes, copied to the heap.
    pub(crate) fn copy_of(bytes: &[u8]) -> Chunk {
        let bytes: Rc<[u8]> = bytes.into();
        let start = NonNull::from(&*bytes).cast();
        Chunk { start, lease: Lease::Heap(Box::new(OnHeap { len: bytes.len(), bytes })) }
    }

    /// Whether it leases memory of the pool.
    pub(crate) fn is_leased(&self) -> bool {
        matches!(self.lease, Lease::Pool { .. })
    }

    /// The bytes.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: as many bytes from `start` are initialised and immutable while the lease is held:
        // the kernel writes behind them only, and the buffer is not given out again.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.lease.len()) }
    }

    /// Takes the first `n` bytes out; the rest stays. Both lease the same memory.
    ///
    /// # Panics
    /// If there are fewer than `n` bytes.
    pub fn split_to(&mut self, n: usize) -> Chunk {
        let len = self.lease.len();
        assert!(n <= len, "split_to({n}) of a chunk of {len} bytes");
        let front = Chunk { start: self.start, lease: self.lease.again(n) };
        self.advance(n);
        front
    }

    /// Does without the first `n` bytes, or without all if there are fewer.
    pub(crate) fn advance(&mut self, n: usize) {
        let n = n.min(self.lease.len());
        self.lease.shorten(n);
        // SAFETY: `n` is within the bytes of the chunk.
        self.start = unsafe { self.start.add(n) };
    }
}

impl Lease {
    #[inline]
    fn len(&self) -> usize {
        match self {
            Lease::Empty => 0,
            Lease::Pool { len, .. } => *len as usize,
            Lease::Heap(heap) => heap.len,
        }
    }

    /// Another lease of the same memory, on the first `n` bytes.
    fn again(&self, n: usize) -> Lease {
        match self {
            Lease::Empty => Lease::Empty,
            Lease::Pool { bid, pool, .. } => {
                pool.lease_again(*bid);
                Lease::Pool { bid: *bid, len: n as u32, pool: pool.clone() }
            }
            Lease::Heap(heap) => {
                Lease::Heap(Box::new(OnHeap { len: n, bytes: heap.bytes.clone() }))
            }
        }
    }

    /// Does without `n` bytes, of which there are as many.
    fn shorten(&mut self, n: usize) {
        match self {
            Lease::Empty => {}
            Lease::Pool { len, .. } => *len -= n as u32,
            Lease::Heap(heap) => heap.len -= n,
        }
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        if let Lease::Pool { pool, bid, .. } = self {
            pool.release(*bid);
        }
    }
}

impl Deref for Chunk {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

// SAFETY: the bytes are leased memory of the pool or shared heap memory, neither of which moves
// with the chunk; both are initialised, and nobody writes there while the lease is held.
unsafe impl IoBuf for Chunk {
    fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }
    fn len(&self) -> usize {
        self.lease.len()
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.lease {
            Lease::Empty => "empty",
            Lease::Pool { .. } => "pool",
            Lease::Heap(_) => "heap",
        };
        write!(f, "Chunk({} bytes, {place})", self.lease.len())
    }
}
