//! Clocks, sleeping, and intervals.
//!
//! Timers live in user space, in a wheel per loop: arming and cancelling one takes constant time
//! and no system call, and a million sleepers cost the kernel one deadline. A timer never fires
//! early; it fires late by at most a tick of the wheel (65.5 µs), the kernel's own lateness, and what
//! is left of the turn that the loop is in.

pub(crate) mod clock;
mod instant;
mod interval;
pub(crate) mod manual;
mod sleep;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timers;
mod wheel;

pub(crate) use clock::Clock;
pub use instant::Instant;
pub use interval::{Interval, MissedTick, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub(crate) use timers::Timers;
