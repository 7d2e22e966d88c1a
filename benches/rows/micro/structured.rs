//! Futures and tasks that belong together: each piece of work as ringio does it, as tokio does it, and
//! by plain means on ringio.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ringio::queue::Queue;
use tokio::sync::mpsc::unbounded_channel;

use crate::sample::Sample;

use super::meter::Meter;
use super::runtime::{Runtime, yield_now};

const MANY: u32 = 10_000;
const SLEEPERS: u32 = 100_000;
const LONG: Duration = Duration::from_secs(3_600);

async fn work() -> u32 {
    yield_now().await;
    1
}

/// The children of a group, each of which yields once.
pub(super) async fn children(meter: Meter) -> Sample {
    meter
        .of(MANY, async || {
            let ended = ringio::task_group::<_, (), _>(async |group| {
                for _ in 0..MANY {
                    drop(group.spawn(async { Ok(work().await) }));
                }
                Ok(())
            });
            ended.await.expect("they only yield");
        })
        .await
}

/// As many spawned tasks, joined.
pub(super) async fn spawned<R: Runtime>(meter: Meter) -> Sample {
    let mut tasks = Vec::with_capacity(MANY as usize);
    meter
        .of(MANY, async || {
            tasks.extend((0..MANY).map(|_| R::spawn(async { assert_eq!(work().await, 1) })));
            for task in tasks.drain(..) {
                task.await.expect("it only yields");
            }
        })
        .await
}

pub(super) async fn gather(meter: Meter) -> Sample {
    meter
        .of(MANY, async || {
            let outputs = ringio::gather((0..MANY).map(|_| work())).await;
            assert_eq!(outputs.len(), MANY as usize);
        })
        .await
}

/// The same with the `futures` crate's `join_all`.
pub(super) async fn joined(meter: Meter) -> Sample {
    meter
        .of(MANY, async || {
            let outputs = join_all((0..MANY).map(|_| work())).await;
            assert_eq!(outputs.len(), MANY as usize);
        })
        .await
}

const SELECTS: u32 = 1_000;

/// Receives from a task that answers, beside a timer that loses; 1,000,000 times at least.
pub(super) async fn select_on_ringio(meter: Meter) -> Sample {
    let (there, back) = (Rc::new(Queue::unbounded()), Rc::new(Queue::unbounded()));
    let (heard, answer) = (there.clone(), back.clone());
    drop(ringio::spawn(async move {
        while let Ok(message) = heard.get().await {
            answer.try_put(message).expect("it is open");
        }
    }));
    let before = ringio::stats().submissions;
    let mut count = 0_u32;
    let sample = meter
        .of(SELECTS, async || {
            for i in 0..SELECTS {
                there.try_put(i).expect("it is open");
                ringio::select! {
                    message = back.get() => assert_eq!(message, Ok(i)),
                    () = ringio::time::sleep(LONG) => unreachable!("an hour has passed"),
                }
            }
            count += SELECTS;
        })
        .await;
    let submitted = ringio::stats().submissions - before;
    sample.with("submissions", submitted as f64 / f64::from(count))
}

pub(super) async fn select_on_tokio(meter: Meter) -> Sample {
    let ((there, mut heard), (answer, mut back)) = (unbounded_channel(), unbounded_channel());
    drop(tokio::task::spawn_local(async move {
        while let Some(message) = heard.recv().await {
            answer.send(message).expect("the other task receives");
        }
    }));
    meter
        .of(SELECTS, async || {
            for i in 0..SELECTS {
                there.send(i).expect("the other task receives");
                tokio::select! {
                    message = back.recv() => assert_eq!(message, Some(i)),
                    () = tokio::time::sleep(LONG) => unreachable!("an hour has passed"),
                }
            }
        })
        .await
}

/// Ends 100,000 sleeping tasks: from the first request to the last join, for each of them.
pub(super) async fn cancel<R: Runtime>() -> io::Result<Sample> {
    let tasks: Vec<_> = (0..SLEEPERS).map(|_| R::spawn(R::sleep(LONG))).collect();
    for _ in 0..SLEEPERS / 100 {
        yield_now().await;
    }
    let began = Instant::now();
    tasks.iter().for_each(R::cancel);
    for task in tasks {
        task.await.expect_err("it was cancelled");
    }
    let each = began.elapsed().as_nanos() as f64 / f64::from(SLEEPERS);
    Ok(Sample::default().with("time", each))
}

/// Bounds a future that is ready at its second poll.
pub(super) async fn timeout_on_ringio(meter: Meter) -> Sample {
    bounded(meter, || async { ringio::timeout(LONG, work()).await.is_ok() }).await
}

pub(super) async fn timeout_on_tokio(meter: Meter) -> Sample {
    bounded(meter, || async { tokio::time::timeout(LONG, work()).await.is_ok() }).await
}

async fn bounded<F: Future<Output = bool>>(meter: Meter, one: impl Fn() -> F) -> Sample {
    meter
        .of(SELECTS, async || {
            for _ in 0..SELECTS {
                assert!(one().await, "an hour has passed");
            }
        })
        .await
}
