//! What tasks, timers and the ring cost, beside tokio's current-thread runtime in the same run.
//!
//! ```text
//! cargo bench --bench micro             # about a minute
//! cargo bench --bench micro -- --quick  # a few seconds
//! ```
//!
//! Rounds alternate between the runtimes; the table gives medians and the median of the rounds' own
//! ratios with their spread. Under 5 % is no difference on a shared machine.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use comfy_table::Table;

/// One thing to measure, on both runtimes; each gives nanoseconds per operation.
struct Row {
    name: &'static str,
    ringio: fn(u32) -> f64,
    /// `None` where tokio has no counterpart.
    tokio: Option<fn(u32) -> f64>,
    operations: u32,
}

const ROWS: [Row; 5] = [
    Row {
        name: "spawn + join, one at a time",
        ringio: |n| on_ringio(n, async move { ringio_spawns(n, 1).await }),
        tokio: Some(|n| on_tokio(n, async move { tokio_spawns(n, 1).await })),
        operations: 200_000,
    },
    Row {
        name: "spawn 10,000, then join",
        ringio: |n| on_ringio(n, async move { ringio_spawns(n, 10_000).await }),
        tokio: Some(|n| on_tokio(n, async move { tokio_spawns(n, 10_000).await })),
        operations: 200_000,
    },
    Row {
        name: "yield among 1,000 tasks",
        ringio: |n| {
            on_ringio(n, async move {
                let task = || ringio::spawn(async move { yields(n / 1_000).await });
                let tasks: Vec<_> = (0..1_000).map(|_| task()).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            })
        },
        tokio: Some(|n| {
            on_tokio(n, async move {
                let task = || tokio::task::spawn_local(async move { yields(n / 1_000).await });
                let tasks: Vec<_> = (0..1_000).map(|_| task()).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            })
        }),
        operations: 1_000_000,
    },
    Row {
        name: "timer: arm and cancel",
        ringio: |n| on_ringio(n, async move { cancels(n, ringio::time::sleep).await }),
        tokio: Some(|n| on_tokio(n, async move { cancels(n, tokio::time::sleep).await })),
        operations: 200_000,
    },
    Row {
        name: "no-op through the ring",
        ringio: |n| {
            on_ringio(n, async move {
                for _ in 0..n {
                    ringio::op::nop().await.unwrap();
                }
            })
        },
        tokio: None,
        operations: 100_000,
    },
];

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, share) = if quick { (3, 10) } else { (15, 1) };
    let mut table = Table::new();
    table.set_header(["", "ringio ns", "tokio ns", "ratio", "spread"]);
    for row in &ROWS {
        let operations = row.operations / share;
        let (mut ours, mut theirs, mut ratios) = (vec![], vec![], vec![]);
        for _ in 0..rounds {
            ours.push((row.ringio)(operations));
            if let Some(tokio) = row.tokio {
                theirs.push(tokio(operations));
                ratios.push(ours[ours.len() - 1] / theirs[theirs.len() - 1]);
            }
        }
        let spread = match (
            ratios.iter().copied().reduce(f64::min),
            ratios.iter().copied().reduce(f64::max),
        ) {
            (Some(least), Some(most)) => format!("{least:.2}..{most:.2}"),
            _ => String::new(),
        };
        table.add_row([
            row.name.to_owned(),
            median(ours, 0),
            median(theirs, 0),
            median(ratios, 2),
            spread,
        ]);
    }
    println!("{table}");
}

fn median(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).map_or(String::new(), |value| format!("{value:.digits$}"))
}

fn on_ringio(operations: u32, work: impl Future<Output = ()>) -> f64 {
    ringio::run(timed(operations, work))
}

fn on_tokio(operations: u32, work: impl Future<Output = ()>) -> f64 {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, timed(operations, work))
}

async fn timed(operations: u32, work: impl Future<Output = ()>) -> f64 {
    let began = Instant::now();
    work.await;
    began.elapsed().as_nanos() as f64 / f64::from(operations)
}

async fn ringio_spawns(n: u32, at_a_time: u32) {
    for _ in 0..n / at_a_time {
        let tasks: Vec<_> = (0..at_a_time).map(|_| ringio::spawn(async {})).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}

async fn tokio_spawns(n: u32, at_a_time: u32) {
    for _ in 0..n / at_a_time {
        let tasks: Vec<_> = (0..at_a_time).map(|_| tokio::task::spawn_local(async {})).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}

/// The same future on both sides, so that the executors are compared and nothing else.
async fn yields(n: u32) {
    for _ in 0..n {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

async fn cancels<F: Future>(n: u32, sleep: impl Fn(Duration) -> F) {
    for i in 0..n {
        let mut sleep = pin!(sleep(Duration::from_millis(u64::from(1_000 + i % 512))));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
    }
}
