//! The driver of the loop that runs on this thread.

use std::cell::RefCell;
use std::rc::Rc;

use super::core::Driver;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Driver>>> = const { RefCell::new(None) };
}

/// The running loop's driver, if a loop runs on this thread.
pub(crate) fn get() -> Option<Rc<Driver>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Whether `driver` is that of the running loop.
pub(crate) fn is(driver: &Rc<Driver>) -> bool {
    CURRENT.with(|current| current.borrow().as_ref().is_some_and(|d| Rc::ptr_eq(d, driver)))
}

/// Makes `driver` the current one until the guard is dropped.
pub(crate) fn enter(driver: &Rc<Driver>) -> Guard {
    Guard { before: CURRENT.replace(Some(driver.clone())) }
}

/// Restores the driver that was current before.
#[derive(Debug)]
pub(crate) struct Guard {
    before: Option<Rc<Driver>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ended = CURRENT.replace(self.before.take());
        drop(ended);
    }
}
