//! Kernel-filled buffers, and [`Chunk`]: a lease on what the kernel put there.
//!
//! # Safety
//! The pool's memory is one mapping, which lives as long as the `Rc` that the driver and every
//! leased chunk hold. A buffer belongs to the kernel from `provide_one` until the kernel has left
//! it; the bytes of a completion belong to its chunks from then on, and the buffer goes back to
//! the kernel only when no chunk is left. In an incremental buffer the kernel writes behind the
//! bytes that are leased, never into them. A driver that cannot get all its operations back leaks
//! its `Rc`.

#![allow(unsafe_code, reason = "memory that the kernel writes to")]

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use uring_sys_shim::{Caps, GroupId, Ring};

use super::Config;
use crate::buf::IoBuf;

/// The one group of a driver.
pub(super) const GROUP: GroupId = GroupId(0);

/// The buffers of one loop, few and hot in the cache: taken last-in-first-out.
#[derive(Debug)]
pub(crate) struct Pool {
    memory: NonNull<u8>,
    count: u16,
    /// Bytes per buffer.
    size: u32,
    incremental: bool,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    buffers: Box<[Buffer]>,
    /// Buffers that are neither the kernel's nor leased; the last one returned is the hottest.
    free: Vec<u16>,
    /// Buffers that the kernel can fill.
    provided: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Buffer {
    /// Where the kernel writes next, if the buffer is incremental.
    offset: u32,
    /// Chunks that point into it.
    leases: u32,
    /// The kernel may still write to it.
    with_kernel: bool,
}

impl Pool {
    /// Maps the memory and registers the group. Where memory for locked pages is short, a
    /// smaller group is tried.
    ///
    /// # Errors
    /// What mmap(2) and the registration say.
    pub(super) fn new(ring: &mut impl Ring, buffers: Option<(u16, u32)>) -> io::Result<Rc<Pool>> {
        let incremental = ring.caps().contains(Caps::INCREMENTAL);
        let preferred =
            if incremental { Config::BUFFERS_INCREMENTAL } else { Config::BUFFERS_FIXED };
        let (count, size) = buffers.unwrap_or(preferred);
        if count == 0 || size == 0 || count > 1 << 15 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{count} buffers of {size} bytes: both must be above 0, and the count at most 32,768"
                ),
            ));
        }
        ring.register_group(GROUP, count.next_power_of_two(), incremental)?;
        let length = NonZeroUsize::new(usize::from(count) * size as usize).expect("checked above");
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh anonymous mapping overlaps nothing.
        let memory =
            unsafe { mmap_anonymous(None, length, protection, MapFlags::MAP_PRIVATE) }?.cast();
        Ok(Rc::new(Pool {
            memory,
            count,
            size,
            incremental,
            state: RefCell::new(State {
                buffers: vec![Buffer::default(); usize::from(count)].into(),
                free: (0..count).rev().collect(),
                provided: 0,
            }),
        }))
    }

    /// Buffers that the kernel can fill now.
    #[inline]
    pub(crate) fn available(&self) -> u16 {
        self.state.borrow().provided
    }

    /// Whether less than a quarter of the buffers is left, counting those that can go back.
    #[inline]
    pub(crate) fn is_low(&self) -> bool {
        let state = self.state.borrow();
        (usize::from(state.provided) + state.free.len()) * 4 < usize::from(self.count)
    }

    /// Bytes per buffer.
    pub(crate) fn buffer_size(&self) -> u32 {
        self.size
    }

    pub(super) fn take_free(&self) -> Option<u16> {
        self.state.borrow_mut().free.pop()
    }

    /// Gives a buffer from the free stack to the kernel, which sees it when the group is published.
    pub(super) fn provide_one(&self, ring: &mut impl Ring, bid: u16) {
        let mut state = self.state.borrow_mut();
        state.provided += 1;
        let buffer = &mut state.buffers[usize::from(bid)];
        debug_assert!(!buffer.with_kernel && buffer.leases == 0, "buffer {bid} given twice");
        *buffer = Buffer { offset: 0, leases: 0, with_kernel: true };
        let address = self.address(bid, 0).as_ptr();
        // SAFETY: the buffer lies in the mapping, no chunk points into it, and `with_kernel` keeps
        // it from being given again or leased before the kernel has filled it.
        unsafe { ring.provide(GROUP, bid, address, self.size) };
    }

    fn address(&self, bid: u16, offset: u32) -> NonNull<u8> {
        debug_assert!(bid < self.count && offset <= self.size);
        let start = usize::from(bid) * self.size as usize + offset as usize;
        // SAFETY: `start` lies within the mapping of `count` times `size` bytes.
        unsafe { self.memory.add(start) }
    }

    /// Takes over the bytes of a completion: `filled` of them in buffer `bid`, which the kernel
    /// goes on filling if `kept`. `None` for no bytes.
    pub(crate) fn take(self: &Rc<Self>, bid: u16, filled: u32, kept: bool) -> Option<Chunk> {
        if bid >= self.count {
            debug_assert!(false, "the kernel named buffer {bid} of {}", self.count);
            return None;
        }
        let low = self.is_low();
        let mut state = self.state.borrow_mut();
        let buffer = &mut state.buffers[usize::from(bid)];
        let offset = buffer.offset;
        let filled = filled.min(self.size - offset);
        buffer.offset += filled;
        buffer.leases += 1;
        if !(kept && self.incremental) {
            buffer.with_kernel = false;
            state.provided -= 1;
        }
        drop(state);
        let chunk = Chunk {
            start: self.address(bid, offset),
            len: filled as usize,
            lease: Lease::Pool(self.clone(), bid),
        };
        match filled {
            0 => None,
            // Small bytes must not hold a large buffer while there are few.
            n if low && n <= self.size / 4 => Some(Chunk::copy_of(&chunk)),
            _ => Some(chunk),
        }
    }

    fn lease_again(&self, bid: u16) {
        self.state.borrow_mut().buffers[usize::from(bid)].leases += 1;
    }

    #[inline]
    fn release(&self, bid: u16) {
        let mut state = self.state.borrow_mut();
        let buffer = &mut state.buffers[usize::from(bid)];
        buffer.leases -= 1;
        if buffer.leases == 0 && !buffer.with_kernel {
            state.free.push(bid);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let length = usize::from(self.count) * self.size as usize;
        // SAFETY: the mapping was made by `new` with this length; the last `Rc` is gone, so no
        // chunk points into it, and the driver gave its own up after the ring was drained.
        let unmapped = unsafe { munmap(self.memory.cast(), length) };
        debug_assert!(unmapped.is_ok());
    }
}

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
    len: usize,
    lease: Lease,
}

enum Lease {
    Empty,
    Pool(Rc<Pool>, u16),
    Heap(Rc<[u8]>),
}

impl Chunk {
    /// No bytes: what a receive gives at the end of the stream.
    pub(crate) fn empty() -> Chunk {
        Chunk { start: NonNull::dangling(), len: 0, lease: Lease::Empty }
    }

    /// The bytes, copied to the heap.
    pub(crate) fn copy_of(bytes: &[u8]) -> Chunk {
        let heap: Rc<[u8]> = bytes.into();
        Chunk { start: NonNull::from(&*heap).cast(), len: heap.len(), lease: Lease::Heap(heap) }
    }

    /// Whether it leases memory of the pool.
    pub(crate) fn is_leased(&self) -> bool {
        matches!(self.lease, Lease::Pool(..))
    }

    /// The bytes.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes from `start` are initialised and immutable while the lease is held:
        // the kernel writes behind them only, and the buffer is not given out again.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// Takes the first `n` bytes out; the rest stays. Both lease the same memory.
    ///
    /// # Panics
    /// If there are fewer than `n` bytes.
    pub fn split_to(&mut self, n: usize) -> Chunk {
        assert!(n <= self.len, "split_to({n}) of a chunk of {} bytes", self.len);
        let lease = match &self.lease {
            Lease::Empty => Lease::Empty,
            Lease::Pool(pool, bid) => {
                pool.lease_again(*bid);
                Lease::Pool(pool.clone(), *bid)
            }
            Lease::Heap(heap) => Lease::Heap(heap.clone()),
        };
        let front = Chunk { start: self.start, len: n, lease };
        // SAFETY: `n` is within the bytes of the chunk.
        self.start = unsafe { self.start.add(n) };
        self.len -= n;
        front
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        if let Lease::Pool(pool, bid) = self {
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
        self.len
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
            Lease::Pool(..) => "pool",
            Lease::Heap(_) => "heap",
        };
        write!(f, "Chunk({} bytes, {place})", self.len)
    }
}
