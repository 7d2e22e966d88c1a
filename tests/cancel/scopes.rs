//! `cancel_scope`: a part of a task, cancelled by itself.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use ringio::time::{Instant, sleep};
use ringio::{Cancelled, cancel_scope, on_cancel, spawn, task, yield_now};

use crate::watchdog::bounded;
use crate::{Log, ms, run};

#[test]
fn it_ends_the_part_and_nothing_else() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let scope = cancel_scope(async |scope| {
                let _body = log.on_drop("body");
                let scope = scope.clone();
                spawn(async move {
                    sleep(ms(5)).await;
                    scope.cancel();
                    scope.cancel();
                    assert!(scope.is_cancelled());
                });
                pending::<()>().await
            });
            let began = Instant::now();
            assert_eq!(scope.await, Err(Cancelled));
            assert_eq!((log.take(), began.elapsed()), (vec!["body"], ms(5)));
            sleep(ms(1)).await;
            assert_eq!(cancel_scope(async |_| 7).await, Ok(7));
        });
    });
}

#[test]
fn a_result_of_the_poll_that_asked_wins_and_the_next_wait_does_not() {
    bounded(|| {
        run(async {
            let won = cancel_scope(async |scope| {
                assert!(!scope.is_cancelled());
                scope.cancel();
                assert!(scope.is_cancelled());
                7
            });
            assert_eq!(won.await, Ok(7));
            let lost = cancel_scope(async |scope| {
                scope.cancel();
                yield_now().await;
                panic!("it went on");
            });
            assert_eq!(lost.await, Err(Cancelled));
        });
    });
}

#[test]
fn what_is_ready_when_the_request_is_delivered_wins_before_clean_ups_begin() {
    bounded(|| {
        run(async {
            let (log, ready) = (Log::default(), Rc::new(Cell::new(false)));
            let (theirs, is_ready) = (log.clone(), ready.clone());
            let task = spawn(async move {
                let fut = poll_fn(|_| if is_ready.get() { Poll::Ready(7) } else { Poll::Pending });
                on_cancel(fut, async || theirs.add("clean-up")).await
            });
            yield_now().await;
            ready.set(true);
            task.cancel();
            assert_eq!(task.await.unwrap(), 7);
            assert_eq!(log.take(), [""; 0]);
        });
    });
}

#[test]
fn what_is_ready_when_the_clean_ups_have_begun_does_not_win() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let cleaned = on_cancel(pending::<()>(), async || {
                    sleep(ms(10)).await;
                    theirs.add("clean-up");
                });
                let other = async {
                    sleep(ms(20)).await;
                    theirs.add("other");
                };
                futures_util::future::join(cleaned, other).await;
            });
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            sleep(ms(50)).await;
            assert_eq!(log.take(), ["clean-up"]);
        });
    });
}

#[test]
fn what_is_entered_after_the_request_does_not_start() {
    bounded(|| {
        run(async {
            let cleaned = Cell::new(false);
            let scope = cancel_scope(async |scope| {
                scope.cancel();
                let never = async || panic!("it started");
                let entered = (
                    on_cancel(async { panic!("it started") }, async || cleaned.set(true)),
                    cancel_scope(async |_| never().await),
                    ringio::timeout(ms(1), never()),
                    ringio::timeout_scope(None, async |_| never().await),
                );
                let (on_cancel, scope, timeout, timeout_scope) = entered;
                futures_util::future::join4(on_cancel, scope, timeout, timeout_scope).await;
            });
            assert_eq!(scope.await, Err(Cancelled));
            assert!(!cleaned.get());
        });
    });
}

#[test]
fn a_request_to_an_inner_scope_leaves_the_outer_clean_ups_alone() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let inside = async {
                    let inner = cancel_scope(async |scope| {
                        let scope = scope.clone();
                        spawn(async move { scope.cancel() });
                        on_cancel(pending::<()>(), async || theirs.add("inner")).await;
                    });
                    assert_eq!(inner.await, Err(Cancelled));
                    theirs.add("behind");
                    pending::<()>().await;
                };
                on_cancel(inside, async || theirs.add("outer")).await;
            });
            sleep(ms(1)).await;
            assert_eq!(log.take(), ["inner", "behind"]);
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["outer"]);
        });
    });
}

#[test]
fn while_the_outer_one_ends_nothing_goes_on_behind_the_inner_one() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                let inner = cancel_scope(async |scope| {
                    scope.cancel();
                    pending::<()>().await
                });
                assert_eq!(inner.await, Err(Cancelled));
                let inner = cancel_scope(async |scope| {
                    let scope = scope.clone();
                    spawn(async move { scope.cancel() });
                    on_cancel(pending::<()>(), async || {
                        theirs.add("begins");
                        sleep(ms(10)).await;
                        theirs.add("ends");
                    })
                    .await;
                });
                let _ = inner.await;
                panic!("it went on");
            });
            sleep(ms(5)).await;
            assert_eq!(log.take(), ["begins"]);
            let began = Instant::now();
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!((log.take(), began.elapsed()), (vec!["ends"], ms(5)), "it began once");
        });
    });
}

#[test]
fn clean_ups_have_owners_of_their_own() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let theirs = log.clone();
            let task = spawn(async move {
                on_cancel(pending::<()>(), async || {
                    let scope = cancel_scope(async |scope| {
                        let scope = scope.clone();
                        spawn(async move { scope.cancel() });
                        on_cancel(pending::<()>(), async || theirs.add("clean-up's clean-up")).await
                    });
                    assert_eq!(scope.await, Err(Cancelled));
                    assert!(ringio::timeout(ms(3), pending::<()>()).await.is_err());
                    let child = spawn(async { task::current().unwrap().parent() });
                    assert_eq!(child.await.unwrap(), task::current().map(|task| task.id()));
                    let cancelled = spawn(pending::<()>());
                    cancelled.cancel();
                    assert!(cancelled.await.unwrap_err().is_cancelled());
                    theirs.add("through");
                })
                .await;
            });
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["clean-up's clean-up", "through"]);
        });
    });
}

/// Eight clean-ups, each within the clean-up of the one before.
fn deep(log: Log, level: usize) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        let scope = cancel_scope(async |scope| {
            let scope = scope.clone();
            spawn(async move { scope.cancel() });
            on_cancel(pending::<()>(), async || {
                if level < 8 {
                    deep(log.clone(), level + 1).await;
                }
                log.add("level");
            })
            .await;
        });
        assert_eq!(scope.await, Err(Cancelled));
    })
}

#[test]
fn eight_deep() {
    bounded(|| {
        run(async {
            let log = Log::default();
            deep(log.clone(), 1).await;
            assert_eq!(log.take(), ["level"; 8]);
            // And beside it, each around the one before.
            let mut fut: std::pin::Pin<Box<dyn Future<Output = ()>>> = Box::pin(pending());
            for name in ["1", "2", "3", "4", "5", "6", "7", "8"] {
                let log = log.clone();
                let clean_up = async move || {
                    yield_now().await;
                    log.add(name);
                };
                fut = Box::pin(on_cancel(fut, clean_up));
            }
            let task = spawn(fut);
            sleep(ms(1)).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["1", "2", "3", "4", "5", "6", "7", "8"]);
        });
    });
}

#[test]
fn a_task_that_is_spawned_at_once_is_not_within_the_scope() {
    bounded(|| {
        run(async {
            let kept = Rc::new(Cell::new(None));
            let (theirs, log) = (kept.clone(), Log::default());
            let inside = log.clone();
            let scope = cancel_scope(async move |scope| {
                scope.cancel();
                let eager = task::Builder::new().eager();
                theirs.set(Some(eager.spawn(cancel_scope(async move |_| {
                    inside.add("started");
                    on_cancel(yield_now(), async || panic!("nobody asked")).await;
                    7
                }))));
                pending::<()>().await;
            });
            assert_eq!(scope.await, Err(Cancelled));
            assert_eq!(log.take(), ["started"]);
            assert_eq!(kept.take().unwrap().await.unwrap(), Ok(7));
        });
    });
}
