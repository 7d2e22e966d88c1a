//! The tasks that are ready, in the order in which they became so.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::task::TaskRef;

/// First in, first out. An intrusive list would save no instructions and cost a cache miss per
/// link: a ring buffer is read ahead by the processor.
#[derive(Debug, Default)]
pub(super) struct RunQueue {
    tasks: RefCell<VecDeque<TaskRef>>,
}

impl RunQueue {
    #[inline]
    pub(super) fn push(&self, task: TaskRef) {
        self.tasks.borrow_mut().push_back(task);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<TaskRef> {
        self.tasks.borrow_mut().pop_front()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.tasks.borrow().len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
