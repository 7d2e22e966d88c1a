//! Wakes in great number, from everywhere, at a loop in every mood: each is followed by a poll,
//! and none makes the waker wait.
//!
//! `RINGIO_LONG=1` causes ten million wakes.

#[path = "support/watchdog.rs"]
mod watchdog;

mod wakes {
    mod never_blocks;
    mod storm;
    mod switches;
}
