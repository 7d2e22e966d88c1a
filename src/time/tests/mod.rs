//! What sleeps, intervals and the wheel promise, on a loop without a ring.

mod interval;
mod reentrancy;
mod sleep;
mod support;
mod wheel;

pub(crate) use self::support::{Flag, Log, Loop, Random, ms, ns, on_wake};
