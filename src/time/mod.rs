//! Clocks, sleeping, and intervals.
//!
//! Timers live in user space, in a wheel per loop: arming and cancelling one takes constant time
//! and no system call, and a million sleepers cost the kernel one deadline. A timer never fires
//! early. It fires late by at most a tick of the wheel (65.5 µs), or, from 34 ms on, by 1/256 of its
//! length, and 1.1 ms at most however long it is: so that thousands of sleepers wake the loop some
//! times, not thousands of times. The kernel's own lateness comes on top, and what is left of the
//! turn that the loop is in. Timers that fire together do so in the order in which they were armed.

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
