//! The block that a loop, its tasks, its wakers and its remote handles hold in common.
//!
//! # Safety
//! The block has two sides. [`Open`] is `Sync` and anybody who holds a reference may use it.
//! [`Local`] belongs to the loop's thread: it is reached through a [`View`] only, which cannot
//! leave its thread and is made by things that cannot either (the executor, a `TaskRef`) or by
//! code that has compared the block with the thread's current one.
//!
//! The count is kept by hand because the loop takes references by the thousand and lends them to
//! its task headers: a spawn does not touch a line that other cores write to.
#![allow(unsafe_code, reason = "a reference count that is taken in bulk, and two sides")]

use std::alloc::Layout;
use std::marker::PhantomData;
use std::ops::Deref;
use std::process::abort;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::task::Waker;

use super::current;
use super::local::{DefaultReporter, Local};
use super::remote::Inbox;
use crate::util::contain::contain;
use crate::util::heap;
use crate::util::sync::{AtomicBool, AtomicUsize, Ordering, dealloc, fence};

/// References that the loop takes at once.
const STOCK: usize = 1024;

static NEXT_LOOP: AtomicU64 = AtomicU64::new(1);

/// What any thread may use. On lines of its own, for other cores write here.
#[repr(align(128))]
pub(super) struct Open {
    references: AtomicUsize,
    pub(super) inbox: Inbox,
    /// Closures are turned away; wakes are not.
    pub(super) refusing: AtomicBool,
    pub(super) loop_id: u64,
    /// Whom to tell what the loop cannot be told any more.
    pub(super) default_reporter: OnceLock<DefaultReporter>,
    /// Gets the attention of a loop that may have parked.
    pub(super) doorbell: Waker,
}

/// The block. It is freed by whoever lets go of the last reference, on any thread.
pub(super) struct Shared {
    open: Open,
    local: Local,
}

impl Shared {
    /// A block with one reference.
    pub(super) fn allocate(doorbell: Waker) -> SharedRef {
        let open = Open {
            references: AtomicUsize::new(1),
            inbox: Inbox::default(),
            refusing: AtomicBool::new(false),
            loop_id: NEXT_LOOP.fetch_add(1, Ordering::Relaxed),
            default_reporter: OnceLock::new(),
            doorbell,
        };
        SharedRef(heap::leak(Shared { open, local: Local::default() }))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Perhaps the last of them, on whatever thread: user code.
        let reporters = (self.local.default_reporter.take(), self.open.default_reporter.take());
        contain(|| drop(reporters));
    }
}

/// One counted reference, for any thread.
pub(super) struct SharedRef(NonNull<Shared>);

// SAFETY: it gives access to `Open` only, which is `Sync`, and the last one frees the block, whose
// local side the executor has emptied of everything that is bound to its thread (or it was leaked,
// and then its own reference keeps the block).
unsafe impl Send for SharedRef {}
// SAFETY: as above.
unsafe impl Sync for SharedRef {}

impl SharedRef {
    pub(super) fn as_ptr(&self) -> NonNull<Shared> {
        self.0
    }

    /// The open side, for somebody whose reference is counted elsewhere.
    ///
    /// # Safety
    /// The block lives as long as the borrow.
    pub(super) unsafe fn peek(shared: &NonNull<Shared>) -> &Open {
        // SAFETY: the caller's promise; `open` is never borrowed mutably.
        unsafe { &(*shared.as_ptr()).open }
    }

    /// # Safety
    /// The caller owns one reference, and gives it away.
    unsafe fn from_raw(shared: NonNull<Shared>) -> SharedRef {
        SharedRef(shared)
    }
}

impl Deref for SharedRef {
    type Target = Open;

    #[inline]
    fn deref(&self) -> &Open {
        // SAFETY: our reference keeps the block alive, and `open` is never borrowed mutably.
        unsafe { &(*self.0.as_ptr()).open }
    }
}

impl Clone for SharedRef {
    fn clone(&self) -> Self {
        add(self, 1);
        SharedRef(self.0)
    }
}

impl Drop for SharedRef {
    fn drop(&mut self) {
        if self.references.fetch_sub(1, Ordering::Release) == 1 {
            // Everything that others did to the block happened before it is freed.
            fence(Ordering::Acquire);
            // SAFETY: that was the last reference, and it came from `leak`.
            drop(unsafe { heap::reclaim(self.0) });
        }
    }
}

fn add(open: &Open, n: usize) {
    // Relaxed, as in `Arc::clone`: the caller's own reference keeps the block.
    if open.references.fetch_add(n, Ordering::Relaxed) > isize::MAX as usize {
        abort();
    }
}

/// The block as its own thread sees it. Neither `Send` nor `Sync`.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    shared: NonNull<Shared>,
    _life: PhantomData<&'a Local>,
}

impl<'a> View<'a> {
    /// # Safety
    /// The caller runs on the loop's thread, and the block lives throughout `'a`.
    #[inline]
    pub(super) unsafe fn new(shared: NonNull<Shared>) -> View<'a> {
        View { shared, _life: PhantomData }
    }

    #[inline]
    pub(super) fn open(self) -> &'a Open {
        // SAFETY: alive for `'a` by the promise made to `new`; never borrowed mutably.
        unsafe { &(*self.shared.as_ptr()).open }
    }

    #[inline]
    pub(super) fn local(self) -> &'a Local {
        // SAFETY: as above, and we are on the one thread that may look at this side.
        unsafe { &(*self.shared.as_ptr()).local }
    }

    pub(super) fn as_ptr(self) -> NonNull<Shared> {
        self.shared
    }

    /// A reference for any thread.
    pub(super) fn counted(self) -> SharedRef {
        add(self.open(), 1);
        SharedRef(self.shared)
    }

    /// One counted reference out of the stock, for a task header: [`retire`] takes it back.
    #[inline]
    pub(super) fn reference(self) -> NonNull<Shared> {
        let stock = &self.local().stock;
        if stock.get() == 0 {
            add(self.open(), STOCK);
            stock.set(STOCK);
        }
        stock.set(stock.get() - 1);
        self.shared
    }

    /// Lets go of the stock. The caller holds a reference besides, so this is never the last.
    pub(super) fn clear_stock(self) {
        let stock = self.local().stock.take();
        self.open().references.fetch_sub(stock, Ordering::Release);
    }
}

/// Keeps the block for somebody on the loop's thread, and shows it as its own thread sees it.
pub(super) struct Home(NonNull<Shared>);

impl Home {
    pub(super) fn new(view: View<'_>) -> Home {
        Home(view.reference())
    }

    #[inline]
    pub(super) fn is(&self, view: View<'_>) -> bool {
        self.0 == view.as_ptr()
    }

    pub(super) fn view(&self) -> View<'_> {
        // SAFETY: it was made on the loop's thread, which it does not leave, and keeps the block.
        unsafe { View::new(self.0) }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // SAFETY: its own reference, which it gives away.
        unsafe { give_back(self.0) };
    }
}

/// Takes back a task's memory, and the reference that [`View::reference`] gave it.
///
/// # Safety
/// The caller owns both and gives them away; the memory was allocated with this rounded layout.
#[inline]
pub(super) unsafe fn retire(shared: NonNull<Shared>, block: NonNull<u8>, layout: Layout) {
    if current::is_home(shared) {
        // SAFETY: this is the loop's thread, and what keeps it current keeps the block.
        let local = unsafe { View::new(shared) }.local();
        // SAFETY: the caller's promise.
        unsafe { local.blocks.free(block, layout) };
        local.stock.set(local.stock.get() + 1);
    } else {
        // SAFETY: the caller's promise.
        unsafe { retire_elsewhere(shared, block, layout) };
    }
}

/// As [`retire`], where the loop is not the running one.
#[cold]
unsafe fn retire_elsewhere(shared: NonNull<Shared>, block: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's promise.
    unsafe { dealloc(block.as_ptr(), layout) };
    // SAFETY: the caller's promise.
    drop(unsafe { SharedRef::from_raw(shared) });
}

/// Takes back the reference that [`View::reference`] gave.
///
/// # Safety
/// The caller owns it and gives it away.
unsafe fn give_back(shared: NonNull<Shared>) {
    if current::is_home(shared) {
        // SAFETY: this is the loop's thread, and what keeps it current keeps the block.
        let stock = unsafe { &View::new(shared).local().stock };
        stock.set(stock.get() + 1);
    } else {
        // SAFETY: the caller's promise.
        drop(unsafe { SharedRef::from_raw(shared) });
    }
}
