//! Tasks that come, go, and take turns.

use crate::sample::Sample;

use super::meter::Meter;
use super::runtime::{Runtime, yield_now};

/// Least operations of a batch, so that looking at the clock does not count.
const BATCH: u32 = 1_000;

/// Spawns so many tasks that do nothing, then joins them.
pub(super) async fn spawn<R: Runtime>(meter: Meter, at_a_time: u32) -> Sample {
    let mut tasks = Vec::with_capacity(at_a_time as usize);
    let times = (BATCH / at_a_time).max(1);
    meter
        .of(times * at_a_time, async || {
            for _ in 0..times {
                tasks.extend((0..at_a_time).map(|_| R::spawn(async {})));
                for task in tasks.drain(..) {
                    task.await.expect("it does nothing");
                }
            }
        })
        .await
}

/// 1,000 tasks that each yield 100 times.
pub(super) async fn yields<R: Runtime>(meter: Meter) -> Sample {
    const TASKS: u32 = 1_000;
    const TIMES: u32 = 100;
    let mut tasks = Vec::with_capacity(TASKS as usize);
    meter
        .of(TASKS * TIMES, async || {
            let task = async || {
                for _ in 0..TIMES {
                    yield_now().await;
                }
            };
            tasks.extend((0..TASKS).map(|_| R::spawn(task())));
            for task in tasks.drain(..) {
                task.await.expect("it only yields");
            }
        })
        .await
}
