//! `on_cancel` beneath tasks.

use std::future::pending;

use futures_util::future::join;
use futures_util::stream::{FuturesUnordered, StreamExt};
use ringio::testing::ManualClock;
use ringio::time::{Instant, sleep};
use ringio::{Runner, on_cancel, spawn, task, yield_now};

use crate::watchdog::bounded;
use crate::{Log, ms, run};

#[test]
fn a_clean_up_runs_to_its_end_before_the_task_ends_and_as_that_task() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let _frame = theirs.on_drop("frame");
                let held = theirs.on_drop("fut");
                let fut = async move {
                    let _held = held;
                    pending::<()>().await
                };
                on_cancel(fut, async || {
                    theirs.add("begins");
                    sleep(ms(20)).await;
                    assert!(task::current().is_some());
                    theirs.add("ends");
                })
                .await;
                panic!("it went on");
            });
            yield_now().await;
            let began = Instant::now();
            assert!(task.cancel() && task.cancel());
            assert_eq!(log.take(), [""; 0], "not on the caller's stack");
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["fut", "begins", "ends", "frame"]);
            assert_eq!(began.elapsed(), ms(20));
        });
    });
}

#[test]
fn the_innermost_is_first() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let inner = on_cancel(pending::<()>(), async || {
                    theirs.add("inner begins");
                    sleep(ms(5)).await;
                    theirs.add("inner ends");
                });
                let middle = on_cancel(inner, async || theirs.add("middle"));
                on_cancel(middle, async || theirs.add("outer")).await;
            });
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["inner begins", "inner ends", "middle", "outer"]);
        });
    });
}

#[test]
fn branches_clean_up_side_by_side_whoever_polls_them() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let branch = |name| {
                    let log = theirs.clone();
                    on_cancel(pending::<()>(), async move || {
                        sleep(ms(10)).await;
                        log.add(name);
                    })
                };
                let unordered: FuturesUnordered<_> =
                    ["a", "b", "c"].map(branch).into_iter().collect();
                join(unordered.collect::<Vec<_>>(), branch("d")).await;
            });
            yield_now().await;
            task.cancel();
            let began = Instant::now();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(began.elapsed(), ms(10));
            let mut log = log.take();
            log.sort_unstable();
            assert_eq!(log, ["a", "b", "c", "d"]);
        });
    });
}

#[test]
fn the_grace_bounds_it() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let _frame = theirs.on_drop("frame");
                on_cancel(pending::<()>(), async || {
                    let _clean_up = theirs.on_drop("clean-up");
                    pending::<()>().await
                })
                .await;
            });
            yield_now().await;
            let began = Instant::now();
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["clean-up", "frame"]);
            assert_eq!(began.elapsed().as_secs(), 10);
        });
    });
}

#[test]
fn a_retry_loop_cannot_eat_the_request() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                loop {
                    let tried = on_cancel(pending::<()>(), async || theirs.add("clean-up"));
                    let _ = ringio::timeout(ms(3), tried).await;
                    theirs.add("again");
                }
            });
            sleep(ms(7)).await;
            assert_eq!(log.take(), ["clean-up", "again", "clean-up", "again"]);
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["clean-up"]);
        });
    });
}

#[test]
fn a_body_that_is_through_while_it_cleans_up_ends_as_cancelled() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let slow = Box::pin(on_cancel(pending::<()>(), async || {
                    sleep(ms(20)).await;
                    theirs.add("clean-up");
                }));
                futures_util::future::select(slow, Box::pin(sleep(ms(10)))).await;
                theirs.on_drop("output")
            });
            yield_now().await;
            let began = Instant::now();
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!((log.take(), began.elapsed()), (vec!["output"], ms(10)));
        });
    });
}

#[test]
fn a_timeout_within_cuts_no_clean_up_short() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let slow = on_cancel(pending::<()>(), async || {
                    sleep(ms(20)).await;
                    theirs.add("clean-up");
                });
                let _ = ringio::timeout(ms(5), slow).await;
                panic!("it went on");
            });
            sleep(ms(1)).await;
            let began = Instant::now();
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!((log.take(), began.elapsed()), (vec!["clean-up"], ms(20)));
        });
    });
}

#[test]
fn the_grace_counts_from_the_request() {
    bounded(|| {
        let clock = ManualClock::new();
        let builder = Runner::builder().clock(clock.clone()).grace(ms(100));
        let run = builder.build().unwrap().run(async {
            let task = spawn(on_cancel(pending::<()>(), async || pending().await));
            yield_now().await;
            let began = Instant::now();
            task.cancel();
            // So long it takes until the task has its turn.
            clock.advance(ms(30));
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(began.elapsed(), ms(100));
        });
        run.unwrap();
    });
}
