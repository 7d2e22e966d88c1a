//! Copies of many bytes, which go through a pipe inside the kernel: nothing lost, nothing doubled,
//! nothing out of order; and nothing that would not be so without.

#[path = "support/child.rs"]
mod child;
mod support;

/// Where `child` looks for it.
mod watchdog {
    pub(crate) use crate::support::within as bounded;
}

mod bulk {
    mod dropped;
    mod ends;
    mod line;
    mod moved;
    mod refused;
    mod turns;
}
