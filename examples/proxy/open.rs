//! The open connections of one core.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use ringio::JoinHandle;

/// The tasks that serve connections.
#[derive(Default)]
pub(crate) struct Open {
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

impl Open {
    /// Adds a connection. Those that have ended are forgotten now and then, at a cost per
    /// connection that does not grow with their number.
    pub(crate) fn add(&self, task: JoinHandle<()>) {
        let mut tasks = self.tasks.borrow_mut();
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(task);
    }

    pub(crate) fn count(&self) -> usize {
        self.tasks.borrow().iter().filter(|task| !task.is_finished()).count()
    }

    pub(crate) async fn all_ended(&self) {
        poll_fn(|cx| {
            let mut tasks = self.tasks.borrow_mut();
            // A connection that panicked has ended, too; the loop has reported it.
            tasks.retain_mut(|task| Pin::new(task).poll(cx).is_pending());
            if tasks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
