//! The driver of the loop that runs on this thread.

use std::cell::{Cell, RefCell};
use std::io;
use std::ptr;
use std::rc::Rc;

use super::core::Driver;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Driver>>> = const { RefCell::new(None) };
    /// Where that is, to compare with: every operation asks.
    static ADDRESS: Cell<*const Driver> = const { Cell::new(ptr::null()) };
}

/// The running loop's driver, if a loop runs on this thread.
pub(crate) fn get() -> Option<Rc<Driver>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The running loop's driver.
///
/// # Errors
/// Outside a loop.
pub(crate) fn expect() -> io::Result<Rc<Driver>> {
    get().ok_or_else(|| {
        io::Error::other("no event loop runs on this thread: call this inside `ringio::run`")
    })
}

/// Whether `driver` is that of the running loop.
#[inline]
pub(crate) fn is(driver: &Rc<Driver>) -> bool {
    ptr::eq(ADDRESS.get(), Rc::as_ptr(driver))
}

/// Nobody is current when the thread's last destructors end a loop that was left to them.
fn replace(driver: Option<Rc<Driver>>) -> Option<Rc<Driver>> {
    let address = driver.as_ref().map_or(ptr::null(), Rc::as_ptr);
    let replaced = CURRENT.try_with(|current| current.replace(driver));
    ADDRESS.set(if replaced.is_ok() { address } else { ptr::null() });
    replaced.ok().flatten()
}

/// Makes `driver` the current one until the guard is dropped. A loop that ends with its thread, in
/// the destructor of a thread-local, may come too late for that.
pub(crate) fn enter(driver: &Rc<Driver>) -> Guard {
    Guard { before: replace(Some(driver.clone())) }
}

/// Restores the driver that was current before.
#[derive(Debug)]
pub(crate) struct Guard {
    before: Option<Rc<Driver>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ended = replace(self.before.take());
        drop(ended);
    }
}
