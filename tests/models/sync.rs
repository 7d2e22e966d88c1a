//! The names of `src/util/sync.rs`, with loom's parts behind them. What is atomic tells the ledger
//! of each access, so that memory which is used after its end shows.
//!
//! # Safety
//! Memory comes from the global allocator, and the ledger gives it back there.
#![allow(unsafe_code, reason = "an allocator")]

use std::alloc::Layout;
use std::cell::Cell;

use loom::sync::atomic;
use loom::thread::LocalKey;

use crate::ledger;

pub(crate) use loom::sync::atomic::{Ordering, fence};
pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};

#[derive(Debug)]
pub(crate) struct AtomicBool(atomic::AtomicBool);

impl AtomicBool {
    pub(crate) fn new(value: bool) -> Self {
        AtomicBool(atomic::AtomicBool::new(value))
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> bool {
        ledger::touch(self);
        self.0.load(order)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: bool, order: Ordering) {
        ledger::touch(self);
        if order == Ordering::Relaxed {
            // Loom has a swap and a later store in either modification order, even if the swap
            // has read what the store's thread wrote before: then the language knows one only.
            // Among swaps loom tries each order once. (A store that is no swap would also end a
            // release sequence, but a relaxed one has none to end here.)
            self.0.swap(value, order);
        } else {
            self.0.store(value, order);
        }
    }

    #[track_caller]
    pub(crate) fn swap(&self, value: bool, order: Ordering) -> bool {
        ledger::touch(self);
        self.0.swap(value, order)
    }
}

/// Counts.
macro_rules! counting {
    ($name:ident, $number:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name(atomic::$name);

        impl $name {
            pub(crate) fn new(value: $number) -> Self {
                $name(atomic::$name::new(value))
            }

            #[track_caller]
            pub(crate) fn load(&self, order: Ordering) -> $number {
                ledger::touch(self);
                self.0.load(order)
            }

            #[track_caller]
            pub(crate) fn fetch_add(&self, n: $number, order: Ordering) -> $number {
                ledger::touch(self);
                self.0.fetch_add(n, order)
            }

            #[track_caller]
            pub(crate) fn fetch_sub(&self, n: $number, order: Ordering) -> $number {
                ledger::touch(self);
                self.0.fetch_sub(n, order)
            }
        }
    };
}

counting!(AtomicU32, u32);
counting!(AtomicUsize, usize);

#[derive(Debug)]
pub(crate) struct AtomicPtr<T>(atomic::AtomicPtr<T>);

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        AtomicPtr(atomic::AtomicPtr::new(std::ptr::null_mut()))
    }
}

impl<T> AtomicPtr<T> {
    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> *mut T {
        ledger::touch(self);
        self.0.load(order)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: *mut T, order: Ordering) {
        ledger::touch(self);
        self.0.store(value, order);
    }

    #[track_caller]
    pub(crate) fn swap(&self, value: *mut T, order: Ordering) -> *mut T {
        ledger::touch(self);
        self.0.swap(value, order)
    }

    #[track_caller]
    pub(crate) fn compare_exchange_weak(
        &self,
        current: *mut T,
        new: *mut T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        ledger::touch(self);
        self.0.compare_exchange_weak(current, new, success, failure)
    }
}

/// # Safety
/// As for [`std::alloc::alloc`].
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: the caller's promise.
    let block = unsafe { std::alloc::alloc(layout) };
    ledger::born(block, layout);
    block
}

/// The memory itself is given back when the interleaving has ended.
///
/// # Safety
/// As for [`std::alloc::dealloc`].
pub(crate) unsafe fn dealloc(block: *mut u8, _: Layout) {
    ledger::dies(block);
}

/// A thread-local: loom's threads are coroutines on one thread.
pub(crate) struct Local<T: 'static>(pub(crate) &'static LocalKey<Cell<T>>);

impl<T: Copy> Local<T> {
    pub(crate) fn get(&'static self) -> T {
        self.0.with(Cell::get)
    }

    pub(crate) fn set(&'static self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    pub(crate) fn replace(&'static self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

macro_rules! local {
    ($(static $name:ident: Cell<$value:ty> = const $init:block;)*) => {$(
        static $name: $crate::util::sync::Local<$value> = {
            loom::thread_local! { static INNER: Cell<$value> = $init; }
            $crate::util::sync::Local(&INNER)
        };
    )*};
}
pub(crate) use local as thread_local;
