//! Values that belong to a task: what `task_local!` stands on.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::{replace, take};
use std::rc::Rc;

use super::current;
use crate::util::contain::contain;

/// Names a value: the address of its key.
pub(crate) type Key = usize;

/// A value of any type that can be cloned.
pub(crate) trait Value: Any {
    fn copy(&self) -> Rc<dyn Value>;
}

impl<T: Clone + 'static> Value for T {
    fn copy(&self) -> Rc<dyn Value> {
        Rc::new(self.clone())
    }
}

/// The values of one task. There are few, so they are looked for one by one.
///
/// None of them is cloned, looked at or dropped while the list is borrowed: all that is user code.
#[derive(Default)]
pub(crate) struct Locals {
    values: RefCell<Vec<(Key, Rc<dyn Value>)>>,
}

impl Locals {
    pub(crate) fn get(&self, key: Key) -> Option<Rc<dyn Value>> {
        let values = self.values.borrow();
        values.iter().find(|(own, _)| *own == key).map(|(_, value)| value.clone())
    }

    /// Exchanges a value for another; `None` stands for none.
    pub(crate) fn swap(&self, key: Key, value: &mut Option<Rc<dyn Value>>) {
        let mut values = self.values.borrow_mut();
        let place = values.iter().position(|(own, _)| *own == key);
        match (place, value.take()) {
            (Some(place), Some(new)) => *value = Some(replace(&mut values[place].1, new)),
            (Some(place), None) => *value = Some(values.swap_remove(place).1),
            (None, Some(new)) => {
                USED.set(true);
                values.push((key, new));
            }
            (None, None) => {}
        }
    }

    /// A clone of each value, if there are any.
    fn for_a_child(&self) -> Option<Rc<Locals>> {
        let values = self.values.borrow().clone();
        if values.is_empty() {
            return None;
        }
        let values = values.into_iter().map(|(key, value)| (key, (*value).copy())).collect();
        Some(Rc::new(Locals { values: RefCell::new(values) }))
    }
}

impl Drop for Locals {
    fn drop(&mut self) {
        for (_, value) in take(self.values.get_mut()) {
            contain(|| drop(value));
        }
    }
}

impl fmt::Debug for Locals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locals").field(&self.values.borrow().len()).finish()
    }
}

std::thread_local! {
    /// Those of code that is part of no task.
    static OUTSIDE: Rc<Locals> = Rc::default();
    /// Whether anything was ever set on this thread: most programs have no such values.
    static USED: Cell<bool> = const { Cell::new(false) };
}

/// The values of the running task, or of the thread outside a task. When the thread's last
/// destructors ask, there are none.
pub(crate) fn get() -> Rc<Locals> {
    current::locals().unwrap_or_else(outside)
}

/// What a task inherits that is spawned here.
#[inline]
pub(crate) fn inherit() -> Option<Rc<Locals>> {
    if USED.get() && current::has_locals().unwrap_or(true) { copy() } else { None }
}

#[cold]
fn copy() -> Option<Rc<Locals>> {
    get().for_a_child()
}

#[cold]
fn outside() -> Rc<Locals> {
    OUTSIDE.try_with(Rc::clone).unwrap_or_default()
}
