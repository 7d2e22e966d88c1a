//! A queue, on each crate that has one: in and out within a task, there and back between two, and
//! many through little room.
//!
//! What is measured is some nanoseconds, and no layer of the benchmark's own is between the loops and
//! the crates: the loops are written once, as a macro.

use std::io;
use std::rc::Rc;

use crate::row::Contestant;
use crate::sample::Sample;

use super::Work;
use super::meter::Meter;
use super::runtime::{OnRingio, OnTokio, Runtime};

const BATCH: u32 = 1_000;
const ROOM: usize = 16;

pub(super) fn measure(work: Work, on: Contestant, meter: Meter) -> io::Result<Sample> {
    match on {
        Contestant::Ringio => on_ringio::run::<OnRingio<true>>(work, meter),
        Contestant::Tokio => on_tokio::run::<OnTokio>(work, meter),
        Contestant::AsyncChannel => on_async_channel::run::<OnRingio<true>>(work, meter),
        Contestant::LocalSync => on_local_sync::run::<OnRingio<true>>(work, meter),
        _ => Err(io::Error::other("it has no queue")),
    }
}

/// A module that does all the work with one crate's queue: how it is made with both its ends, how it is
/// put into and got out of, and what the latter gives.
macro_rules! work {
    ($module:ident, $queue:expr, $put:ident, $get:ident, $got:ident) => {
        mod $module {
            use super::*;

            pub(super) fn run<R: Runtime>(work: Work, meter: Meter) -> io::Result<Sample> {
                match work {
                    Work::PutGet => R::run(put_and_get(meter)),
                    Work::TwoQueues => R::run(there_and_back::<R>(meter)),
                    _ => R::run(stream::<R>(meter)),
                }
            }

            #[allow(unused_mut, reason = "some receive by a shared reference")]
            async fn put_and_get(meter: Meter) -> Sample {
                let (sender, mut receiver) = $queue;
                meter
                    .of(BATCH, async || {
                        for i in 0..BATCH {
                            assert!(sender.$put(i).await.is_ok());
                            assert_eq!(receiver.$get().await, $got(i));
                        }
                    })
                    .await
            }

            #[allow(unused_mut, reason = "some receive by a shared reference")]
            async fn there_and_back<R: Runtime>(meter: Meter) -> Sample {
                let ((there, mut heard), (answer, mut back)) = ($queue, $queue);
                drop(R::spawn(async move {
                    while let $got(i) = heard.$get().await {
                        if answer.$put(i).await.is_err() {
                            break;
                        }
                    }
                }));
                meter
                    .of(BATCH, async || {
                        for i in 0..BATCH {
                            assert!(there.$put(i).await.is_ok());
                            assert_eq!(back.$get().await, $got(i));
                        }
                    })
                    .await
            }

            /// The putter waits for room, the getter for items.
            #[allow(unused_mut, reason = "some receive by a shared reference")]
            async fn stream<R: Runtime>(meter: Meter) -> Sample {
                let (sender, mut receiver) = $queue;
                drop(R::spawn(async move {
                    let mut i = 0_u32;
                    while sender.$put(i).await.is_ok() {
                        i = i.wrapping_add(1);
                    }
                }));
                let mut expected = 0_u32;
                meter
                    .of(BATCH, async || {
                        for _ in 0..BATCH {
                            assert_eq!(receiver.$get().await, $got(expected));
                            expected = expected.wrapping_add(1);
                        }
                    })
                    .await
            }
        }
    };
}

/// Both its ends are the queue.
fn ringio_queue() -> (Rc<ringio::queue::Queue<u32>>, Rc<ringio::queue::Queue<u32>>) {
    let queue = Rc::new(ringio::queue::Queue::bounded(ROOM));
    (queue.clone(), queue)
}

work!(on_ringio, ringio_queue(), put, get, Ok);
work!(on_tokio, tokio::sync::mpsc::channel(ROOM), send, recv, Some);
work!(on_async_channel, async_channel::bounded(ROOM), send, recv, Ok);
work!(on_local_sync, local_sync::mpsc::bounded::channel(ROOM), send, recv, Some);
