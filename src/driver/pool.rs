//! Kernel-filled buffers.
//!
//! # Safety
//! The pool's memory is one mapping, which lives as long as the `Rc` that the driver and every
//! leased chunk hold. A buffer belongs to the kernel from `provide_one` until the kernel has left
//! it; the bytes of a completion belong to its chunks from then on, and the buffer goes back to
//! the kernel only when no chunk is left. In an incremental buffer the kernel writes behind the
//! bytes that are leased, never into them. A driver that cannot get all its operations back leaks
//! its `Rc`.

#![allow(unsafe_code, reason = "memory that the kernel writes to")]

use std::cell::{Cell, RefCell};
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::rc::Rc;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use uring_sys_shim::{Caps, GroupId, Ring};

use super::{Chunk, Config};

/// The one group of a driver.
pub(super) const GROUP: GroupId = GroupId(0);

/// Buffers that the kernel has at a time, until it runs out of them.
const HOT: u16 = 8;

/// Turns without running out after which the kernel has half as many buffers at a time.
const CALM_TURNS: u32 = 4096;

/// The buffers of one loop, few and hot in the cache: taken last-in-first-out.
#[derive(Debug)]
pub(crate) struct Pool {
    memory: NonNull<u8>,
    count: u16,
    /// Bytes per buffer.
    size: u32,
    incremental: bool,
    /// Buffers that the kernel can fill.
    provided: Cell<u16>,
    /// Those, and the ones that are free.
    available: Cell<u16>,
    /// The kernel lacked buffers, and one has come back since the last top-up.
    refilled: Cell<bool>,
    /// How many the kernel has at most, so that a few buffers stay in the cache.
    hot: Cell<u16>,
    /// Turns since it last ran out.
    calm: Cell<u32>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    buffers: Box<[Buffer]>,
    /// Buffers that are neither the kernel's nor leased; the last one returned is the hottest.
    free: Vec<u16>,
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
    /// Maps the memory and registers the group.
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
            provided: Cell::new(0),
            available: Cell::new(count),
            refilled: Cell::new(false),
            hot: Cell::new(HOT.min(count)),
            calm: Cell::new(0),
            state: RefCell::new(State {
                buffers: vec![Buffer::default(); usize::from(count)].into(),
                free: (0..count).rev().collect(),
            }),
        }))
    }

    /// Buffers that the kernel can fill, now or after the next top-up.
    #[inline]
    pub(crate) fn available(&self) -> usize {
        usize::from(self.available.get())
    }

    /// Whether less than a quarter of the buffers is left, counting those that can go back.
    #[inline]
    pub(crate) fn is_low(&self) -> bool {
        self.available() * 4 < usize::from(self.count)
    }

    /// Buffers, whoever has them.
    pub(crate) fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Bytes per buffer.
    pub(crate) fn buffer_size(&self) -> u32 {
        self.size
    }

    /// Whether the kernel should have more buffers, and there are some.
    #[inline]
    pub(super) fn wants_topping_up(&self) -> bool {
        self.provided.get() < self.hot.get().min(self.available.get())
    }

    /// Whether it does because a buffer has come back since the last top-up.
    #[inline]
    pub(super) fn was_refilled(&self) -> bool {
        self.refilled.get()
    }

    /// Gives free buffers to the kernel.
    pub(super) fn provide(&self, ring: &mut impl Ring) {
        self.refilled.set(false);
        while self.wants_topping_up() {
            let Some(bid) = self.state.borrow_mut().free.pop() else { break };
            self.provide_one(ring, bid);
        }
        ring.publish(GROUP);
    }

    /// The kernel has run out of buffers: from now on it has more at a time.
    pub(super) fn grow(&self) {
        self.hot.set(self.hot.get().saturating_mul(2).min(self.count));
        self.calm.set(0);
    }

    /// A turn in which nobody ran out of buffers. After many of them the kernel has fewer at a
    /// time, and goes through less memory.
    #[inline]
    pub(super) fn calm_down(&self) {
        let calm = self.calm.get() + 1;
        self.calm.set(calm % CALM_TURNS);
        if calm == CALM_TURNS {
            self.hot.set((self.hot.get() / 2).max(HOT.min(self.count)));
        }
    }

    /// Gives a buffer from the free stack to the kernel, which sees it when the group is published.
    fn provide_one(&self, ring: &mut impl Ring, bid: u16) {
        self.provided.set(self.provided.get() + 1);
        let mut state = self.state.borrow_mut();
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
            self.provided.set(self.provided.get() - 1);
            self.available.set(self.available.get() - 1);
        }
        drop(state);
        let chunk = Chunk::leased(self.clone(), bid, self.address(bid, offset), filled);
        match filled {
            0 => None,
            // Small bytes must not hold a large buffer while there are few.
            n if low && n <= self.size / 4 => Some(Chunk::copy_of(&chunk)),
            _ => Some(chunk),
        }
    }

    pub(super) fn lease_again(&self, bid: u16) {
        self.state.borrow_mut().buffers[usize::from(bid)].leases += 1;
    }

    #[inline]
    pub(super) fn release(&self, bid: u16) {
        let mut state = self.state.borrow_mut();
        let buffer = &mut state.buffers[usize::from(bid)];
        buffer.leases -= 1;
        if buffer.leases == 0 && !buffer.with_kernel {
            state.free.push(bid);
            self.available.set(self.available.get() + 1);
            self.refilled.set(self.wants_topping_up());
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

#[cfg(test)]
mod tests {
    use crate::driver::Driver;

    use super::*;

    #[test]
    fn the_kernel_has_few_buffers_until_it_runs_out_and_after_calm_turns() {
        let driver = Driver::new(&Config::default()).unwrap();
        let provided = || driver.pool().provided.get();
        assert_eq!(provided(), HOT);
        driver.pool().grow();
        driver.top_up();
        assert_eq!(provided(), 2 * HOT);
        (0..CALM_TURNS).for_each(|_| driver.pool().calm_down());
        assert_eq!(driver.pool().hot.get(), HOT);
        driver.close();
    }
}
