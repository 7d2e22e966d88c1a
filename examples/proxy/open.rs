//! The open connections of one core.

use std::cell::Cell;
use std::rc::Rc;

use ringio::sync::Notify;

/// Counts connections and tells when the last one has ended.
#[derive(Default)]
pub(crate) struct Open {
    count: Cell<usize>,
    ended: Notify,
}

impl Open {
    /// Counts a connection in; dropping what this returns counts it out.
    pub(crate) fn begin(self: &Rc<Self>) -> OpenConnection {
        self.count.set(self.count.get() + 1);
        OpenConnection(Rc::clone(self))
    }

    pub(crate) fn count(&self) -> usize {
        self.count.get()
    }

    pub(crate) async fn all_ended(&self) {
        while self.count.get() > 0 {
            self.ended.notified().await;
        }
    }
}

/// One open connection.
pub(crate) struct OpenConnection(Rc<Open>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.ended.notify_one();
    }
}
