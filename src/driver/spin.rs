//! Whether to look for completions a little longer before the loop parks.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Loops of this process that are running.
static LOOPS: AtomicUsize = AtomicUsize::new(0);

/// A spin of at most [`Spin::window`], worth its while only when events have lately come that
/// soon: waking a halted core costs more than a whole request, but an idle loop must cost nothing.
///
/// The rule: a moving average of the idle gaps, weight 1/8, each gap capped at four thresholds;
/// spin while the average is at most the threshold. See `docs/PERFORMANCE.md` for what was tried.
#[derive(Debug)]
pub(crate) struct Spin {
    window: u64,
    average: Cell<u64>,
    cpus: usize,
}

impl Spin {
    /// Gaps that make spinning worth while, in nanoseconds. It must exceed the gap seen while
    /// both ends of a connection sleep, or the spin never starts.
    const THRESHOLD: u64 = 100_000;

    pub(crate) fn new(window: Duration) -> Spin {
        LOOPS.fetch_add(1, Ordering::Relaxed);
        Spin {
            window: u64::try_from(window.as_nanos()).unwrap_or(u64::MAX),
            average: Cell::new(4 * Self::THRESHOLD),
            cpus: std::thread::available_parallelism().map_or(1, |n| n.get()),
        }
    }

    /// The longest spin, in nanoseconds.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    pub(crate) fn is_worthwhile(&self) -> bool {
        self.window > 0
            && self.average.get() <= Self::THRESHOLD
            && LOOPS.load(Ordering::Relaxed) <= self.cpus
    }

    /// Takes in how long the loop had nothing to do, in nanoseconds.
    pub(crate) fn record(&self, gap: u64) {
        let gap = gap.min(4 * Self::THRESHOLD);
        let average = self.average.get();
        self.average.set(average - average / 8 + gap / 8);
    }
}

impl Drop for Spin {
    fn drop(&mut self) {
        LOOPS.fetch_sub(1, Ordering::Relaxed);
    }
}
