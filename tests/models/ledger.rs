//! The memory of one interleaving: each block is freed once, by somebody who knows that all others
//! have done with it, and is not used after that.
//!
//! # Safety
//! Blocks are given back when the interleaving has ended, and no code of it runs any more.
#![allow(unsafe_code, reason = "frees what the code under test has freed")]

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use loom::cell::UnsafeCell;

struct Block {
    layout: Layout,
    /// Read by each access, written by the end: loom says so when neither comes before the other.
    life: Rc<UnsafeCell<()>>,
    is_freed: bool,
}

std::thread_local! {
    // All of loom's threads run on one.
    static BLOCKS: RefCell<BTreeMap<usize, Block>> = const { RefCell::new(BTreeMap::new()) };
    static IS_FAULTY: Cell<bool> = const { Cell::new(false) };
}

/// Remembers a panic, which the code under test may contain.
struct Remember;

impl Drop for Remember {
    fn drop(&mut self) {
        if std::thread::panicking() {
            IS_FAULTY.set(true);
        }
    }
}

/// Runs code whose panic fails the model, whoever catches it.
#[track_caller]
pub(crate) fn checked<R>(code: impl FnOnce() -> R) -> R {
    let _remember = Remember;
    code()
}

pub(crate) fn born(block: *mut u8, layout: Layout) {
    let life = Rc::new(UnsafeCell::new(()));
    let block = (block as usize, Block { layout, life, is_freed: false });
    BLOCKS.with_borrow_mut(|blocks| blocks.insert(block.0, block.1));
}

/// Something in a block is about to be used.
#[track_caller]
pub(crate) fn touch<T>(part: &T) {
    let address = std::ptr::from_ref(part) as usize;
    let block = BLOCKS.with_borrow(|blocks| {
        let (start, block) = blocks.range(..=address).next_back()?;
        (address < start + block.layout.size()).then(|| (block.life.clone(), block.is_freed))
    });
    if let Some((life, is_freed)) = block {
        checked(|| {
            assert!(!is_freed, "used after its end");
            life.with(|_| ());
        });
    }
}

#[track_caller]
pub(crate) fn dies(block: *mut u8) {
    let life = BLOCKS.with_borrow_mut(|blocks| {
        let block = blocks.get_mut(&(block as usize)).expect("a block");
        checked(|| assert!(!block.is_freed, "freed twice"));
        block.is_freed = true;
        block.life.clone()
    });
    checked(|| life.with_mut(|_| ()));
}

/// At the end of an interleaving.
#[track_caller]
pub(crate) fn settle() {
    assert!(!IS_FAULTY.get(), "a check failed and was contained; its message is above");
    for (address, block) in BLOCKS.take() {
        assert!(block.is_freed, "a block of {} bytes was leaked", block.layout.size());
        // SAFETY: from the global allocator with this layout.
        unsafe { std::alloc::dealloc(address as *mut u8, block.layout) };
    }
}
