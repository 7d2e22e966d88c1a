//! What a driver has done so far.

use crate::util::Counter;

use super::core::Driver;

/// Each counts one kind of event, once where it happens.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Calls of io_uring_enter(2).
    pub(crate) enters: Counter,
    /// SQEs that the kernel has taken.
    pub(crate) submissions: Counter,
    /// CQEs that were routed.
    pub(crate) completions: Counter,
    /// SQEs that found the submission queue full.
    pub(crate) sq_full: Counter,
    /// Times that the completion queue was seen to have overflowed.
    pub(crate) cq_overflows: Counter,
    /// Times that a transport stood in line for a buffer.
    pub(crate) dry_spells: Counter,
    /// Receives into heap memory, for want of a buffer.
    pub(crate) heap_receives: Counter,
    /// Rounds of a copy that went through a pipe.
    pub(crate) splices: Counter,
}

impl Driver {
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }
}
