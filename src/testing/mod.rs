//! What tests need: a clock that moves only when told to (feature `testing`).

pub use crate::time::manual::ManualClock;
