//! What a loop has done so far.

use std::rc::Rc;
use std::time::Duration;

use crate::driver::Driver;
use crate::executor::Executor;
use crate::util::Counter;

use super::stretch::Stretch;
use super::{Runtime, current};

/// What a loop has done since it was made. Every number but the two of buffers only grows; what
/// happened in between is the difference of two of these.
///
/// The loop counts all the time: one addition to a plain integer an event. To read them is cheap,
/// too, and enters no kernel.
///
/// # Examples
/// ```
/// ringio::run(async {
///     let before = ringio::stats();
///     ringio::op::nop().await?;
///     let after = ringio::stats();
///     assert!(after.turns > before.turns && after.submissions > before.submissions);
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Turns that were begun: run what is ready, fire timers, see to the kernel.
    pub turns: u64,
    /// Polls of tasks.
    pub polls: u64,
    /// The longest that the loop was at work between two looks at the clock, waits not counted. That
    /// is a turn, or several that had fewer than 16 polls together, or that had nothing to do with
    /// the kernel and fewer than 256. When this is long, a task computes for too long without a
    /// yield.
    pub longest_turn: Duration,
    /// Calls of io_uring_enter(2).
    pub enters: u64,
    /// Operations that the kernel has taken, those of the loop itself among them: cancellations,
    /// closes, its doorbell.
    pub submissions: u64,
    /// Completions that the kernel has posted. A multishot operation has many, a cancellation that
    /// succeeds has none.
    pub completions: u64,
    /// Operations that found the submission queue full, so that the loop had to enter the kernel
    /// once more. When this grows, give it more [`entries`](crate::Builder::entries).
    pub sq_full: u64,
    /// Turns in which the completion queue had overflowed. Nothing is lost by that, but multishot
    /// operations end and are armed anew.
    pub cq_overflows: u64,
    /// Kernel-filled buffers of the loop, whoever has them.
    pub buffers: usize,
    /// How many of them the kernel can fill, now or from the next turn on; the others hold
    /// received bytes that somebody keeps.
    pub buffers_available: usize,
    /// Times that a connection had to stand in line for a buffer. When this grows, give the loop
    /// more [`buffers`](crate::Builder::buffers), or keep fewer chunks.
    pub dry_spells: u64,
    /// Receives into fresh heap memory, because a connection had stood in line for long enough.
    pub heap_receives: u64,
    /// Times that [`copy`](crate::stream::copy) moved what had arrived inside the kernel.
    pub splices: u64,
    /// Times that the loop looked for events before it would park, and some came.
    pub spins_won: u64,
    /// Times that it looked and none came.
    pub spins_lost: u64,
    /// Times that the loop waited in the kernel because it had nothing to do.
    pub parks: u64,
    /// Parks that ended because another thread had rung: with a wake, a closure or a message.
    pub remote_wakes: u64,
}

/// What the loop of this thread has done so far; see [`Runner::stats`](crate::Runner::stats) for one
/// that does not run.
///
/// # Panics
/// Outside a loop.
///
/// # Examples
/// ```
/// ringio::run(async {
///     let before = ringio::stats().turns;
///     ringio::yield_now().await;
///     assert_eq!(ringio::stats().turns, before + 1);
/// });
/// ```
#[track_caller]
pub fn stats() -> Stats {
    match current::with(Sources::stats) {
        Some(stats) => stats,
        None => panic!("no event loop runs on this thread: call this inside `ringio::run`"),
    }
}

/// What the runtime itself counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) turns: Counter,
    pub(super) spins_won: Counter,
    pub(super) spins_lost: Counter,
    pub(super) parks: Counter,
    pub(super) remote_wakes: Counter,
}

impl Runtime {
    pub(crate) fn stats(&self) -> Stats {
        self.sources().stats()
    }

    pub(super) fn sources(&self) -> Sources {
        Sources {
            driver: self.driver.clone(),
            executor: self.executor.clone(),
            counters: self.counters.clone(),
            stretch: self.stretch.clone(),
        }
    }
}

/// Where the numbers come from.
#[derive(Debug)]
pub(super) struct Sources {
    driver: Rc<Driver>,
    pub(super) executor: Rc<Executor>,
    counters: Rc<Counters>,
    stretch: Rc<Stretch>,
}

impl Sources {
    fn stats(&self) -> Stats {
        let (driver, own) = (self.driver.counters(), &self.counters);
        let pool = self.driver.pool();
        Stats {
            turns: own.turns.get(),
            polls: self.executor.polls(),
            longest_turn: self.stretch.longest(),
            enters: driver.enters.get(),
            submissions: driver.submissions.get(),
            completions: driver.completions.get(),
            sq_full: driver.sq_full.get(),
            cq_overflows: driver.cq_overflows.get(),
            buffers: pool.count(),
            buffers_available: pool.available(),
            dry_spells: driver.dry_spells.get(),
            heap_receives: driver.heap_receives.get(),
            splices: driver.splices.get(),
            spins_won: own.spins_won.get(),
            spins_lost: own.spins_lost.get(),
            parks: own.parks.get(),
            remote_wakes: own.remote_wakes.get(),
        }
    }
}
