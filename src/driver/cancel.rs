//! Cancellation by exact key.

use uring_sys_shim::sqe;

use super::core::Driver;
use super::op_table::OpKey;

impl Driver {
    /// Asks the kernel to end an operation. Only the operation's own final completion tells what
    /// came of it: a cancelled receive may still have received.
    ///
    /// The request cannot be lost to a full submission queue, and cannot hit another operation:
    /// the key's generation is part of the `user_data` that the kernel compares.
    pub(crate) fn cancel(&self, key: OpKey) {
        if self.traffic.borrow_mut().ops.get_mut(key).is_none() {
            return;
        }
        self.submit_unheard(sqe::cancel(key.user_data()));
    }
}
