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
    /// Read by each access, written by the end.
    life: Rc<Life>,
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

/// What can be read together and written alone: loom says so when of two uses, of which one
/// writes, neither comes before the other.
#[derive(Debug)]
pub(crate) struct Life(UnsafeCell<()>);

// SAFETY: there is nothing in it.
unsafe impl Send for Life {}
// SAFETY: as above; loom itself watches who uses it.
unsafe impl Sync for Life {}

impl Default for Life {
    fn default() -> Self {
        Life(UnsafeCell::new(()))
    }
}

impl Life {
    #[track_caller]
    pub(crate) fn read(&self) {
        checked(|| self.0.with(|_| ()));
    }

    #[track_caller]
    pub(crate) fn write(&self) {
        checked(|| self.0.with_mut(|_| ()));
    }
}

pub(crate) fn born(block: *mut u8, layout: Layout) {
    let life = Rc::new(Life::default());
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
            life.read();
        });
    }
}

#[track_caller]
pub(crate) fn dies(block: *mut u8) {
    let (life, size) = BLOCKS.with_borrow_mut(|blocks| {
        let block = blocks.get_mut(&(block as usize)).expect("a block");
        checked(|| assert!(!block.is_freed, "freed twice"));
        block.is_freed = true;
        (block.life.clone(), block.layout.size())
    });
    life.write();
    // SAFETY: it was allocated with this size, and who frees it has it for himself.
    unsafe { block.write_bytes(0xA5, size) };
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
