//! What a contestant does by itself. Each piece of work is written once, for both runtimes, where
//! that is possible.

use std::io;

use clap::{Args, ValueEnum};

use crate::row::Contestant;
use crate::sample::Sample;
use crate::slice::Slice;
use crate::{control, machine};

mod channel;
mod locks;
mod loops;
mod meter;
mod no_ops;
mod queue;
mod raw;
mod runtime;
mod sleepers;
mod structured;
mod tasks;

use meter::Meter;
use runtime::{OnRingio, OnTokio, Runtime};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Spawns a task, joins it.
    SpawnOne,
    /// Spawns 10,000 tasks, joins them.
    SpawnMany,
    /// 1,000 tasks that yield.
    Yield,
    /// Arms a timer, cancels it.
    Timer,
    /// 100,000 tasks that sleep for 1 to 1,000 ms, to their end.
    Sleepers,
    /// The memory of tasks that sleep.
    Sleeping,
    /// There and back between two tasks of one loop.
    Channel,
    /// There and back between two loops that always have something to do.
    LoopsBusy,
    /// There and back between two loops that have nothing else to do.
    Loops,
    /// 10,000 children of a group.
    Children,
    /// Gathers 10,000 futures.
    Gather,
    /// The first of a channel and a timer.
    Select,
    /// Cancels 100,000 tasks that sleep.
    Cancel,
    /// A time limit that is not needed.
    Timeout,
    /// A no-op through the ring, one at a time.
    NopOne,
    /// 64 at a time.
    NopMany,
    /// Locks and unlocks what is free.
    Lock,
    /// Takes a permit that is free, gives it back.
    Permit,
    /// One permit goes through 1,000 waiters.
    HandOffFew,
    /// Through 100,000.
    HandOffMany,
    /// 1,000 waiters are dropped.
    LeaveFew,
    /// 100,000.
    LeaveMany,
    /// Into a queue and out of it.
    PutGet,
    /// There and back between two tasks, through two queues.
    TwoQueues,
    /// From one task to another, which both wait for each other.
    Stream,
}

impl Work {
    fn is_of_queues(self) -> bool {
        matches!(self, Work::PutGet | Work::TwoQueues | Work::Stream)
    }

    fn is_of_locks(self) -> bool {
        use Work::{HandOffFew, HandOffMany, LeaveFew, LeaveMany, Lock, Permit};
        matches!(self, Lock | Permit | HandOffFew | HandOffMany | LeaveFew | LeaveMany)
    }
}

/// A contestant that works by itself.
#[derive(Args, Debug)]
pub(crate) struct Micro {
    #[arg(long)]
    work: Work,
    #[arg(long)]
    on: Contestant,
    #[arg(long, value_delimiter = ',')]
    cpus: Vec<usize>,
    #[command(flatten)]
    slice: Slice,
}

impl Micro {
    pub(crate) fn run(self) -> io::Result<()> {
        machine::pin(self.cpus[0])?;
        let meter = Meter(self.slice);
        let sample = match self.on {
            on if self.work.is_of_locks() => locks::measure(self.work, on, meter),
            on if self.work.is_of_queues() => queue::measure(self.work, on, meter),
            Contestant::Ringio => self.measure::<OnRingio<true>>(meter),
            Contestant::Parking => self.measure::<OnRingio<false>>(meter),
            Contestant::Tokio => match self.work {
                Work::Select => OnTokio::run(structured::select_on_tokio(meter)),
                Work::Timeout => OnTokio::run(structured::timeout_on_tokio(meter)),
                Work::Children => OnTokio::run(structured::spawned::<OnTokio>(meter)),
                _ => self.measure::<OnTokio>(meter),
            },
            Contestant::Plain => match self.work {
                Work::Children => {
                    OnRingio::<true>::run(structured::spawned::<OnRingio<true>>(meter))
                }
                _ => OnRingio::<true>::run(structured::joined(meter)),
            },
            Contestant::Raw => match self.work {
                Work::NopOne => raw::no_ops(meter, 1),
                Work::NopMany => raw::no_ops(meter, no_ops::MANY),
                _ => Err(io::Error::other("there is no such loop")),
            },
            Contestant::AsyncChannel | Contestant::AsyncLock | Contestant::LocalSync => {
                Err(io::Error::other("it is measured elsewhere"))
            }
        };
        control::say(&sample?)
    }

    fn measure<R: Runtime>(&self, meter: Meter) -> io::Result<Sample> {
        match self.work {
            Work::SpawnOne => R::run(tasks::spawn::<R>(meter, 1)),
            Work::SpawnMany => R::run(tasks::spawn::<R>(meter, 10_000)),
            Work::Yield => R::run(tasks::yields::<R>(meter)),
            Work::Timer => R::run(sleepers::arm_and_cancel::<R>(meter)),
            Work::Sleepers => R::run(sleepers::to_the_end::<R>())?,
            Work::Sleeping => R::run(sleepers::memory::<R>())?,
            Work::Channel => R::run(R::channel(meter)),
            Work::LoopsBusy => loops::there_and_back::<R>(meter, &self.cpus, true),
            Work::Loops => loops::there_and_back::<R>(meter, &self.cpus, false),
            Work::Children => R::run(structured::children(meter)),
            Work::Gather => R::run(structured::gather(meter)),
            Work::Select => R::run(structured::select_on_ringio(meter)),
            Work::Cancel => R::run(structured::cancel::<R>())?,
            Work::Timeout => R::run(structured::timeout_on_ringio(meter)),
            Work::NopOne => R::run(no_ops::of_ringio(meter, 1)),
            Work::NopMany => R::run(no_ops::of_ringio(meter, no_ops::MANY)),
            _ => Err(io::Error::other("it is measured elsewhere")),
        }
    }
}
