//! Timers.

use std::cell::Cell;
use std::io;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::sample::Sample;
use crate::{allocator, machine};

use super::meter::Meter;
use super::runtime::{Runtime, yield_now};

const SLEEPERS: u32 = 100_000;

/// A timer that is armed, by the first poll of a sleep, and cancelled.
pub(super) async fn arm_and_cancel<R: Runtime>(meter: Meter) -> Sample {
    const BATCH: u32 = 1_000;
    meter
        .of(BATCH, async || {
            for i in 0..BATCH {
                let mut sleep = pin!(R::sleep(Duration::from_millis(u64::from(1_000 + i % 512))));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(sleep.as_mut().poll(&mut cx).is_pending());
            }
        })
        .await
}

/// The process's CPU time, in milliseconds, from the first spawn to the last join.
pub(super) async fn to_the_end<R: Runtime>() -> io::Result<Sample> {
    let before = machine::own_cpu_time()?;
    let sleeper = |i: u32| R::spawn(R::sleep(Duration::from_millis(u64::from(1 + i % 1_000))));
    let tasks: Vec<_> = (0..SLEEPERS).map(sleeper).collect();
    for task in tasks {
        task.await.expect("it only sleeps");
    }
    let used = machine::own_cpu_time()? - before;
    Ok(Sample::default().with("cpu", used.as_secs_f64() * 1e3))
}

thread_local! {
    // Not part of the futures, whose size counts.
    static ASLEEP: Cell<u32> = const { Cell::new(0) };
}

/// Bytes of each of many tasks that sleep.
pub(super) async fn memory<R: Runtime>() -> io::Result<Sample> {
    // What a loop needs but once.
    sleep_for_long::<R>(100).await;
    let (heap, resident) = (allocator::heap(), machine::resident()?);
    sleep_for_long::<R>(SLEEPERS).await;
    let more = [
        (allocator::heap().bytes - heap.bytes) as f64,
        machine::resident()? as f64 - resident as f64,
    ];
    let [heap, resident] = more.map(|bytes| bytes / f64::from(SLEEPERS));
    Ok(Sample::default().with("heap", heap).with("resident", resident))
}

/// Returns when all have gone to sleep.
async fn sleep_for_long<R: Runtime>(count: u32) {
    ASLEEP.set(0);
    for i in 0..count {
        drop(R::spawn(async move {
            ASLEEP.set(ASLEEP.get() + 1);
            R::sleep(Duration::from_millis(u64::from(3_600_000 + i))).await;
        }));
    }
    while ASLEEP.get() < count {
        yield_now().await;
    }
}
