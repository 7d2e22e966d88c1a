//! What the tests that are loads share: how often, on which loops, and what was seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringio::{Builder, Runner, timeout};

use super::{until, within};

/// How often a load is repeated: each repetition has a seed and a watchdog of its own.
pub(crate) fn repetitions(short: u64) -> std::ops::Range<u64> {
    let long = std::env::var_os("RINGIO_LONG").is_some_and(|value| value == "1");
    0..if long { 10 * short } else { short }
}

/// The descriptors of the process are counted, so that one test at a time may have any.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs `body` on a loop, which must have as many descriptors afterwards as before.
pub(crate) fn level<T: Send + 'static>(
    builder: Builder,
    body: impl AsyncFnOnce() -> T + Send + 'static,
) -> T {
    within(move || {
        let body = async {
            let before = descriptors();
            let outcome = body().await;
            // The kernel shuts a direction down on a thread of its own, before it is closed.
            let closed = until(|| descriptors() == before);
            let _ = timeout(Duration::from_secs(20), closed).await;
            assert_eq!(descriptors(), before, "descriptors stay behind");
            outcome
        };
        builder.build().unwrap().run(body).unwrap()
    })
}

/// Loops of different plenty: with few buffers receives end for want of one all the time, with the
/// smallest ring submissions meet a full queue.
pub(crate) fn loops(seed: u64) -> Builder {
    match seed % 4 {
        0 => Runner::builder(),
        1 => Runner::builder().buffers(2, 4096),
        2 => Runner::builder().buffers(1, 512),
        _ => Runner::builder().entries(1),
    }
}

/// What a load has seen, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(BTreeMap<&'static str, u64>);

impl Seen {
    pub(crate) fn add(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    pub(crate) fn all_of(&mut self, other: Seen) {
        other.0.into_iter().for_each(|(what, count)| self.add(what, count));
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Fails unless something was seen so often at least.
    #[track_caller]
    pub(crate) fn at_least(&self, what: &str, count: u64) {
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
