//! Memory on the real kernel: whatever becomes of a future, a loop or a thread, nobody writes to
//! memory that was given back.
//!
//! The allocator of this program, and its munmap(2), keep what is freed for a while, filled with a
//! pattern, and look at the pattern before it is really freed: one stray byte ends the program.
//! `RINGIO_LONG=1` makes it ten times as long.

mod memory {
    pub(super) mod address;
    pub(super) mod afterlife;
    pub(super) mod allocator;
    pub(super) mod connection;
    pub(super) mod drops;
    pub(super) mod elsewhere;
    pub(super) mod end;
    pub(super) mod figures;
    pub(super) mod lane;
    pub(super) mod mapping;
    pub(super) mod owned;
    pub(super) mod proof;
    pub(super) mod quarantine;
    pub(super) mod world;
}
#[path = "support/child.rs"]
mod child;
mod support;
/// Where `child` looks for it.
mod watchdog {
    pub(crate) use crate::support::within as bounded;
}

#[global_allocator]
static ALLOCATOR: memory::allocator::Quarantining = memory::allocator::Quarantining;
