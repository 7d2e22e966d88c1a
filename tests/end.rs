//! The end of a runner with 256 operations in flight, a thousand times: everything comes back,
//! exactly.
//!
//! `RINGIO_LONG=1` does each ten times as often.

#[path = "support/child.rs"]
#[expect(dead_code, reason = "standard error is looked at, too")]
mod child;
mod support;
mod watchdog {
    pub(crate) use crate::support::within as bounded;
}

mod end {
    mod allocator;
    mod apart;
    mod forked;
    mod level;
    mod load;
    mod runners;
}
