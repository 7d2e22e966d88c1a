//! How futures end: awaited, dropped, forgotten, out of time, or beaten in a `select`.

use std::cell::Cell;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use ringio::{timeout, yield_now};

use super::{Random, poll_once};

/// How a future ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Awaited,
    /// After so many polls, which may be none.
    Dropped(usize),
    /// After so many polls, which may be none.
    Forgotten(usize),
    TimedOut(Duration),
    /// Against one that is ready after so many polls.
    Beaten(usize),
}

impl Fate {
    pub(crate) fn random(random: &mut Random) -> Fate {
        let polls = random.below(5);
        match random.below(12) {
            0..4 => Fate::Awaited,
            4..7 => Fate::Dropped(polls),
            7 => Fate::Forgotten(polls),
            8..10 => Fate::TimedOut(Duration::from_nanos(random.below(40_000) as u64)),
            _ => Fate::Beaten(polls),
        }
    }

    /// This one, but dropped where it would be forgotten and must not.
    pub(crate) fn forgotten_if(self, may: bool) -> Fate {
        match self {
            Fate::Forgotten(polls) if !may => Fate::Dropped(polls),
            other => other,
        }
    }

    /// Runs a future to its fate; `None` if it has not ended. Says whether it was polled.
    pub(crate) async fn befall<F: Future>(self, future: F) -> (Option<F::Output>, bool) {
        match self {
            Fate::Awaited => (Some(future.await), true),
            other => other.befall_beside(future, || {}).await,
        }
    }

    /// As [`befall`](Fate::befall), and `between` happens after each poll of one that is awaited,
    /// dropped or forgotten.
    pub(crate) async fn befall_beside<F: Future>(
        self,
        future: F,
        mut between: impl FnMut(),
    ) -> (Option<F::Output>, bool) {
        let polled = Cell::new(false);
        let future = async {
            polled.set(true);
            future.await
        };
        let output = match self {
            Fate::Awaited => some_polls(&mut pin!(future), usize::MAX, &mut between).await,
            Fate::TimedOut(limit) => timeout(limit, future).await.ok(),
            Fate::Beaten(polls) => match select(pin!(future), pin!(turns(polls))).await {
                Either::Left((output, _)) => Some(output),
                Either::Right(_) => None,
            },
            Fate::Dropped(polls) => {
                let mut future = pin!(future);
                some_polls(&mut future, polls, &mut between).await
            }
            Fate::Forgotten(polls) => {
                let mut future = Box::pin(future);
                let output = some_polls(&mut future, polls, &mut between).await;
                if output.is_none() {
                    std::mem::forget(future);
                }
                output
            }
        };
        (output, polled.get())
    }
}

async fn some_polls<F: Future + Unpin>(
    future: &mut F,
    polls: usize,
    between: &mut impl FnMut(),
) -> Option<F::Output> {
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_once(future).await {
            return Some(output);
        }
        between();
        yield_now().await;
    }
    None
}

async fn turns(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}
