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
    let same =
        |current: &Option<Rc<Driver>>| current.as_ref().is_some_and(|d| Rc::ptr_eq(d, driver));
    CURRENT.try_with(|current| same(&current.borrow())).unwrap_or(false)
}

/// Makes `driver` the current one until the guard is dropped. A loop that ends with its thread, in
/// the destructor of a thread-local, may come too late for that.
pub(crate) fn enter(driver: &Rc<Driver>) -> Guard {
    let entered = CURRENT.try_with(|current| current.replace(Some(driver.clone())));
    Guard { before: entered.ok().flatten() }
}

/// Restores the driver that was current before.
#[derive(Debug)]
pub(crate) struct Guard {
    before: Option<Rc<Driver>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ended = CURRENT.try_with(|current| current.replace(self.before.take()));
        drop(ended);
    }
}
