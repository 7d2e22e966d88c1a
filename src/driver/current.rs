//! The driver of the loop that runs on this thread.
//!
//! # Safety
//! [`CURRENT`] is null, or owns one reference to the driver that it points to: only [`replace`]
//! writes it, which moves a reference in and the one before out.

#![allow(unsafe_code, reason = "a thread-local without a destructor: every operation asks")]

use std::cell::Cell;
use std::io;
use std::ptr;
use std::rc::Rc;

use super::core::Driver;

thread_local! {
    static CURRENT: Cell<*const Driver> = const { Cell::new(ptr::null()) };
}

/// The running loop's driver, if a loop runs on this thread.
#[inline]
pub(crate) fn get() -> Option<Rc<Driver>> {
    let current = CURRENT.get();
    if current.is_null() {
        return None;
    }
    // SAFETY: it came out of an `Rc`, of which CURRENT owns a reference.
    unsafe { Rc::increment_strong_count(current) };
    // SAFETY: the reference that was just counted.
    Some(unsafe { Rc::from_raw(current) })
}

/// The running loop's driver.
///
/// # Errors
/// Outside a loop.
#[inline]
pub(crate) fn expect() -> io::Result<Rc<Driver>> {
    get().ok_or_else(no_loop)
}

#[cold]
fn no_loop() -> io::Error {
    io::Error::other("no event loop runs on this thread: call this inside `ringio::run`")
}

/// Whether `driver` is that of the running loop.
#[inline]
pub(crate) fn is(driver: &Rc<Driver>) -> bool {
    ptr::eq(CURRENT.get(), Rc::as_ptr(driver))
}

fn replace(driver: Option<Rc<Driver>>) -> Option<Rc<Driver>> {
    let before = CURRENT.replace(driver.map_or(ptr::null(), Rc::into_raw));
    // SAFETY: it came out of an `Rc`, and CURRENT's reference is ours now.
    (!before.is_null()).then(|| unsafe { Rc::from_raw(before) })
}

/// Makes `driver` the current one until the guard is dropped.
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
