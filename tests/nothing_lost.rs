//! Reads, accepts and writes that end early, a hundred thousand times, at the moment when data or
//! a connection arrives: nothing is lost, nothing comes twice, nothing is torn, and no descriptor
//! stays behind. With `RINGIO_LONG=1` ten times as many.
//!
//! # Safety
//! [`Letter`](nothing_lost::letters::Letter) is shared bytes, and a note of when they are asked
//! for.

#![allow(unsafe_code, reason = "a buffer that notes when it is asked for its memory")]

mod nothing_lost {
    mod accepting;
    mod fickle;
    mod letters;
    mod reading;
    mod senders;
    mod writing;
}
mod support;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ringio::{Builder, Runner, yield_now};

use support::*;

/// How often a load is repeated: each repetition has a seed and a watchdog of its own.
fn repetitions(short: u64) -> std::ops::Range<u64> {
    let long = std::env::var_os("RINGIO_LONG").is_some_and(|value| value == "1");
    0..if long { 10 * short } else { short }
}

/// The descriptors of the process are counted, so that one test at a time may have any.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs `body` on a loop, which must have as many descriptors afterwards as before.
fn level<T: Send + 'static>(builder: Builder, body: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    within(move || {
        let body = async {
            let before = descriptors();
            let outcome = body().await;
            // Closing takes a turn or two.
            for _ in 0..1000 {
                if descriptors() == before {
                    break;
                }
                yield_now().await;
            }
            assert_eq!(descriptors(), before, "descriptors stay behind");
            outcome
        };
        builder.build().unwrap().run(body).unwrap()
    })
}

/// Loops of different plenty: with few buffers receives end for want of one all the time, with the
/// smallest ring submissions meet a full queue.
fn loops(seed: u64) -> Builder {
    match seed % 4 {
        0 => Runner::builder(),
        1 => Runner::builder().buffers(2, 4096),
        2 => Runner::builder().buffers(1, 512),
        _ => Runner::builder().entries(1),
    }
}

/// What a load has seen, by name.
#[derive(Debug, Clone, Default)]
struct Seen(BTreeMap<&'static str, u64>);

impl Seen {
    fn add(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    fn all_of(&mut self, other: Seen) {
        other.0.into_iter().for_each(|(what, count)| self.add(what, count));
    }

    fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Fails unless something was seen so often at least.
    #[track_caller]
    fn at_least(&self, what: &str, count: u64) {
        assert!(self.of(what) >= count, "{what}: only {} of {count}; {self}", self.of(what));
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, (what, count)) in self.0.iter().enumerate() {
            write!(f, "{}{count} {what}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
