//! The tasks that are ready, in the order in which they became so.

use std::cell::Cell;

use super::task::TaskRef;

/// First in, first out, linked through the headers: a wake never allocates.
#[derive(Default)]
pub(super) struct RunQueue {
    first: Cell<Option<TaskRef>>,
    last: Cell<Option<TaskRef>>,
    len: Cell<usize>,
}

impl RunQueue {
    #[inline]
    pub(super) fn push(&self, task: TaskRef) {
        self.len.set(self.len.get() + 1);
        match self.last.replace(Some(task.clone())) {
            Some(before) => before.header().next_ready.set(Some(task)),
            None => self.first.set(Some(task)),
        }
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<TaskRef> {
        let task = self.first.take()?;
        let next = task.header().next_ready.take();
        if next.is_none() {
            self.last.set(None);
        }
        self.first.set(next);
        self.len.set(self.len.get() - 1);
        Some(task)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
