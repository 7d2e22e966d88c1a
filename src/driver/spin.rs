//! Whether to look for completions a little longer before the loop parks.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::op_table::Kind;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// Sources that are few.
const FEW: usize = 4;

const ALWAYS: u32 = 1 << 10;

/// So often that there are few sources: with six of them it is less.
const OFTEN: u32 = ALWAYS * 3 / 4;

/// What an event came from: an operation's slot, or something that is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Source(u32);

impl Source {
    const NONE: Source = Source(u32::MAX);
    /// Another thread.
    pub(crate) const THREAD: Source = Source(u32::MAX - 1);
    /// A new connection, which has no operation yet: it is none of those that came before.
    pub(crate) const NEWCOMER: Source = Source(u32::MAX - 2);

    /// The operation that a completion belongs to. The next one of a connection has its slot, or
    /// that of another connection which is busy at the same time.
    pub(crate) fn of(user_data: u64) -> Source {
        match Kind::of(user_data) {
            Some(Kind::Op) => Source((user_data & 0xff_ffff) as u32),
            _ => Source::THREAD,
        }
    }
}

/// A spin of at most [`Spin::window`], worth its while only when events have lately come that
/// soon: waking a halted core costs more than a whole request, but an idle loop must cost nothing.
///
/// The rule: a moving average of the idle gaps, weight 1/8, each gap capped at four thresholds;
/// spin while the average is at most the threshold and the events come from few sources, unless
/// loops share CPUs. From many sources events come anyway while a core wakes up: then the wait
/// gathers them, and the spin would only take them in one by one. See `docs/PERFORMANCE.md` for the
/// reasons.
#[derive(Debug)]
pub(crate) struct Spin {
    window: u64,
    average: Cell<u64>,
    /// Where the last events came from that were none of these then, the latest first.
    sources: Cell<[Source; FEW]>,
    /// How often events come from one of these: a moving average, weight 1/8, of 0 and [`ALWAYS`].
    familiar: Cell<u32>,
    loops: LoopId,
    /// What was known at this [`EPOCH`].
    epoch: Cell<u64>,
    crowded: Cell<bool>,
}

impl Spin {
    /// Gaps that make spinning worth while, in nanoseconds. It must exceed the gap seen while
    /// both ends of a connection sleep, or the spin never starts.
    const THRESHOLD: u64 = 100_000;

    /// The longest gap that counts, so that a quiet phase is soon forgotten.
    const LONGEST: u64 = 4 * Self::THRESHOLD;

    /// For the loop of this thread, which is where its CPU mask comes from.
    pub(crate) fn new(window: Duration) -> Spin {
        Spin {
            window: u64::try_from(window.as_nanos()).unwrap_or(u64::MAX),
            average: Cell::new(Self::LONGEST),
            sources: Cell::new([Source::NONE; FEW]),
            familiar: Cell::new(0),
            loops: register(),
            epoch: Cell::new(0),
            crowded: Cell::new(true),
        }
    }

    /// The longest spin, in nanoseconds.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    #[inline]
    pub(crate) fn is_worthwhile(&self) -> bool {
        self.window > 0
            && self.average.get() <= Self::THRESHOLD
            && self.has_few_sources()
            && !self.is_crowded()
    }

    /// Whether events come from so few sources that it matters when they come.
    #[inline]
    pub(crate) fn has_few_sources(&self) -> bool {
        self.familiar.get() >= OFTEN
    }

    /// Takes in what has ended a wait or a spin.
    #[inline]
    pub(crate) fn came_from(&self, source: Source) {
        let sources = self.sources.get();
        let known = sources.contains(&source);
        if !known && source != Source::NEWCOMER {
            let [newest, middle @ .., _] = sources;
            let [a, b] = middle;
            self.sources.set([source, newest, a, b]);
        }
        let familiar = self.familiar.get();
        self.familiar.set(familiar - familiar / 8 + if known { ALWAYS / 8 } else { 0 });
    }

    /// Takes in how long the loop had nothing to do, in nanoseconds.
    #[inline]
    pub(crate) fn record(&self, gap: u64) {
        let average = self.average.get();
        self.average.set(average - average / 8 + gap.min(Self::LONGEST) / 8);
    }

    /// Takes in that the loop had nothing to do until one of its own timers: no event was missed.
    pub(crate) fn record_timer(&self) {
        self.record(Self::LONGEST);
    }

    /// Whether more loops may run on this loop's CPUs than there are.
    fn is_crowded(&self) -> bool {
        let epoch = EPOCH.load(Ordering::Acquire);
        if self.epoch.replace(epoch) != epoch {
            self.crowded.set(self.loops.is_crowded());
        }
        self.crowded.get()
    }
}

/// The CPUs of each running loop of this process.
static LOOPS: Mutex<Vec<(u64, Vec<usize>)>> = Mutex::new(Vec::new());

/// Raised whenever `LOOPS` changes.
static EPOCH: AtomicU64 = AtomicU64::new(1);

fn loops() -> MutexGuard<'static, Vec<(u64, Vec<usize>)>> {
    LOOPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register() -> LoopId {
    let mask = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    let cpus = (0..CpuSet::count()).filter(|&cpu| mask.is_set(cpu) == Ok(true)).collect();
    let mut loops = loops();
    let id = EPOCH.fetch_add(1, Ordering::Release);
    loops.push((id, cpus));
    LoopId(id)
}

/// A loop's entry in `LOOPS`.
#[derive(Debug)]
struct LoopId(u64);

impl LoopId {
    fn is_crowded(&self) -> bool {
        let loops = loops();
        let Some((_, own)) = loops.iter().find(|(id, _)| *id == self.0) else { return true };
        let sharing = |cpus: &[usize]| cpus.iter().any(|cpu| own.contains(cpu));
        loops.iter().filter(|(_, cpus)| sharing(cpus)).count() > own.len()
    }
}

impl Drop for LoopId {
    fn drop(&mut self) {
        loops().retain(|(id, _)| *id != self.0);
        EPOCH.fetch_add(1, Ordering::Release);
    }
}
