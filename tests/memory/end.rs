//! How a future ends before its operation.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Waker};

use ringio::op::nop;

use super::figures::Kind;
use super::world::World;
use crate::support::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Dropped,
    Forgotten,
    /// Dropped by a panic that unwinds.
    Panicked,
}

/// How far it gets before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Unpolled,
    /// Polled, and ended before the loop comes to enter the kernel.
    Begun,
    /// Polled, and again after the kernel has been entered.
    InFlight,
}

/// When the peer does something for it: next to its end, with no await in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    Never,
    Before,
    After,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) end: End,
    pub(crate) stage: Stage,
    pub(crate) strike: Strike,
    /// The kernel has its operation once it is in flight: it does not wait behind another.
    pub(crate) is_first: bool,
}

/// What a panic carries that belongs to the attack.
pub(crate) struct Planned;

pub(crate) fn planned_panic() -> ! {
    // No message: the hook is not called.
    resume_unwind(Box::new(Planned))
}

impl Plan {
    pub(crate) fn random(random: &mut Random) -> Plan {
        let end = match random.below(10) {
            0..5 => End::Dropped,
            5..7 => End::Forgotten,
            _ => End::Panicked,
        };
        let stage = match random.below(20) {
            0 => Stage::Unpolled,
            1..7 => Stage::Begun,
            _ => Stage::InFlight,
        };
        let strike = match random.below(6) {
            0..2 => Strike::Never,
            2..4 => Strike::Before,
            _ => Strike::After,
        };
        Plan { end, stage, strike, is_first: true }
    }

    pub(crate) fn forgets(&self) -> bool {
        self.end == End::Forgotten
    }

    /// For a future that owns a part of the loop: forgotten, it leaks the loop's memory.
    pub(crate) fn sparing(mut self, world: &World) -> Plan {
        if self.forgets() && !world.leaky {
            self.end = End::Dropped;
        }
        self
    }

    /// Runs a future to its end. Gives its output if that comes before.
    ///
    /// `forget` leaks the future, and may free the place where it stood.
    pub(crate) async fn befall<F: Future>(
        self,
        (world, kind): (&World, Kind),
        future: F,
        forget: fn(Pin<Box<F>>),
        strike: impl FnOnce(),
    ) -> Option<F::Output> {
        let mut future = Box::pin(future);
        if self.stage >= Stage::Begun
            && let std::task::Poll::Ready(output) = poll_once(&mut future).await
        {
            return Some(output);
        }
        if self.stage == Stage::InFlight {
            // It comes back from the kernel, so the kernel has seen what was submitted before.
            nop().await.unwrap();
            if let std::task::Poll::Ready(output) = poll_once(&mut future).await {
                return Some(output);
            }
        }
        let mut strike = Some(strike);
        if self.strike == Strike::Before {
            strike.take().into_iter().for_each(|strike| strike());
            if world.tiny {
                fill_the_queue();
            }
        }
        self.end.befall(future, forget);
        if self.strike == Strike::After {
            strike.take().into_iter().for_each(|strike| strike());
        }
        world.note(kind, self.end, self.stage == Stage::InFlight && self.is_first);
        None
    }
}

impl End {
    pub(crate) fn befall<F: Future + ?Sized>(self, future: Pin<Box<F>>, forget: fn(Pin<Box<F>>)) {
        match self {
            End::Dropped => drop(future),
            End::Forgotten => forget(future),
            End::Panicked => {
                let panic = catch_unwind(AssertUnwindSafe(move || {
                    let _future = future;
                    planned_panic()
                }));
                assert!(panic.unwrap_err().is::<Planned>());
            }
        }
    }
}

/// Leaks what a future holds, but frees the place where it stood.
pub(crate) fn forget_contents<F: Unpin>(future: Pin<Box<F>>) {
    forget(*Pin::into_inner(future));
}

/// Submits more than the smallest queue takes: the kernel is entered here, and completions that
/// come of it wait to be routed.
fn fill_the_queue() {
    for _ in 0..3 {
        let _ = Pin::new(&mut nop()).poll(&mut Context::from_waker(Waker::noop()));
    }
}
