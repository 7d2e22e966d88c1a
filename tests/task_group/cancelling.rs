//! Requests to end: from around the group, from within, and what is cleaned up before.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use ringio::testing::ManualClock;
use ringio::time::{Instant, sleep};
use ringio::{
    Cancelled, Runner, TimeoutError, cancel_scope, gather, on_cancel, run, shield, spawn,
};
use ringio::{as_completed, task_group, timeout, yield_now};

use crate::support::{Count, Gate};

/// What has happened, in order.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Waits for ever, and takes two turns to clean up.
    async fn work<T>(&self, name: &str) -> T {
        on_cancel(pending::<T>(), async || {
            self.note(format!("{name} begins"));
            yield_now().await;
            self.note(format!("{name} ends"));
        })
        .await
    }
}

#[test]
fn a_request_to_the_task_ends_the_children_first() {
    run(async {
        let log = Log::default();
        let task = spawn({
            let log = log.clone();
            async move {
                let lent = log.clone();
                task_group::<(), (), _>(async |group| {
                    group.spawn::<(), _>(lent.work("one"));
                    group.spawn::<(), _>(lent.work("two"));
                    group.spawn::<(), _>(async {
                        pending::<()>().await;
                        unreachable!()
                    });
                    lent.work::<()>("body").await;
                    unreachable!()
                })
                .await
                .ok();
                log.note("resumed");
            }
        });
        yield_now().await;
        yield_now().await;
        assert!(task.cancel());
        assert!(task.await.unwrap_err().is_cancelled());
        let mut seen = log.take();
        assert_eq!(seen.len(), 6, "each clean-up once, and nothing behind the group: {seen:?}");
        seen.sort();
        let all =
            ["body", "one", "two"].map(|name| [format!("{name} begins"), format!("{name} ends")]);
        assert_eq!(seen, all.concat());
    });
}

#[test]
fn nothing_starts_after_the_request() {
    run(async {
        let (log, started) = (Log::default(), Count::default());
        let task = spawn({
            let (log, started) = (log.clone(), started.clone());
            async move {
                task_group::<(), (), _>(async |group| {
                    group.spawn::<(), _>(log.work("one"));
                    let other = group.clone();
                    let begin = on_cancel(pending::<()>(), async || {
                        let late = other.spawn(async {
                            started.add();
                            Ok(())
                        });
                        assert!(late.await.unwrap_err().is_cancelled(), "the group is closed");
                        log.note("refused");
                    });
                    begin.await;
                    Ok(())
                })
                .await
                .ok();
            }
        });
        yield_now().await;
        task.cancel();
        task.await.unwrap_err();
        assert!(log.take().contains(&"refused".to_owned()));
        assert_eq!(started.get(), 0);

        // Of a thousand, most have not begun when the request comes.
        let (started, ended) = (Count::default(), Count::default());
        let task = spawn({
            let (started, ended) = (started.clone(), ended.clone());
            async move {
                gather((0..1000).map(async |_| {
                    started.add();
                    on_cancel(pending::<()>(), async || ended.add()).await;
                }))
                .await;
            }
        });
        yield_now().await;
        let begun = started.get();
        task.cancel();
        task.await.unwrap_err();
        assert!(0 < begun && begun < 1000);
        assert_eq!((started.get(), ended.get()), (begun, begun));
    });
}

#[test]
fn a_sibling_s_failure_runs_the_clean_ups_of_the_rest_and_of_the_body() {
    run(async {
        let log = Log::default();
        let failed = task_group::<(), _, _>(async |group| {
            group.spawn::<(), _>(log.work("child"));
            group.spawn(async {
                yield_now().await;
                log.note("fails");
                Err::<(), _>("failed")
            });
            log.work::<()>("body").await;
            Ok(())
        });
        assert_eq!(failed.await.unwrap_err().errors(), ["failed"]);
        let seen = log.take();
        assert_eq!((seen.len(), seen[0].as_str()), (5, "fails"), "{seen:?}");
        log.note("goes on");
    });
}

#[test]
fn a_panic_waits_for_the_clean_ups_of_the_siblings() {
    run(async {
        let log = Log::default();
        let told = log.clone();
        let task = spawn(async move {
            task_group::<(), (), _>(async |group| {
                group.spawn::<(), _>(told.work("child"));
                group.spawn::<(), _>(async { panic!("as the test wants") });
                Ok(())
            })
            .await
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(log.take(), ["child begins", "child ends"]);
    });
}

#[test]
fn a_child_is_an_owner_of_its_own() {
    run(async {
        let log = Log::default();
        let ended = task_group::<_, (), _>(async |group| {
            let (one, two) = (group.spawn::<(), _>(log.work("one")), group.spawn(async { Ok(2) }));
            yield_now().await;
            assert!(one.cancel());
            assert!(one.await.unwrap_err().is_cancelled());
            Ok((log.take(), two.await.unwrap()))
        });
        let (seen, two) = ended.await.unwrap();
        assert_eq!((seen, two), (vec!["one begins".to_owned(), "one ends".to_owned()], 2));
    });
}

#[test]
fn time_that_is_up_and_scopes_reach_into_the_group() {
    let clock = ManualClock::new();
    let mut runner = Runner::builder().clock(clock).build().unwrap();
    runner
        .run(async {
            let (log, began) = (Log::default(), Instant::now());
            let slow = on_cancel(pending::<Result<(), ()>>(), async || {
                sleep(Duration::from_secs(1)).await;
                log.note("cleaned");
            });
            let group = task_group::<(), (), _>(async |group| {
                group.spawn(slow);
                Ok(())
            });
            assert_eq!(timeout(Duration::from_secs(5), group).await.err(), Some(TimeoutError));
            assert_eq!(log.take(), ["cleaned"]);
            assert_eq!(began.elapsed(), Duration::from_secs(6));

            let ended = cancel_scope(async |scope| {
                task_group::<(), (), _>(async |group| {
                    let (inner, scope) = (group.clone(), scope.clone());
                    group.spawn(async move {
                        // A group in a child of a group.
                        inner.spawn::<(), _>(pending::<Result<(), ()>>());
                        yield_now().await;
                        scope.cancel();
                        Ok(())
                    });
                    let log = &log;
                    group.spawn(async move {
                        task_group::<(), (), _>(async |deep| {
                            deep.spawn::<(), _>(log.work("deep"));
                            Ok(())
                        })
                        .await
                        .map_err(|_| ())
                    });
                    Ok(())
                })
                .await
            });
            assert_eq!(ended.await.err(), Some(Cancelled));
            assert_eq!(log.take(), ["deep begins", "deep ends"]);
        })
        .unwrap();
}

#[test]
fn a_group_that_moves_takes_its_children_along() {
    run(async {
        let log = Log::default();
        let mut group = std::pin::pin!(task_group::<(), (), _>(async |group| {
            group.spawn::<(), _>(log.work("child"));
            Ok(())
        }));
        // Polled by one owner, whose request is not for it any more, then by another.
        let moment = timeout(Duration::from_secs(60), async {
            ringio::select! {
                biased;
                _ = group.as_mut() => unreachable!(),
                () = async { yield_now().await; yield_now().await } => {}
            }
        });
        moment.await.unwrap();
        let ended = cancel_scope(async |scope| {
            let cancel = async {
                yield_now().await;
                scope.cancel();
                pending::<()>().await
            };
            ringio::join!(group.as_mut(), cancel)
        });
        assert_eq!(ended.await.err(), Some(Cancelled));
        assert_eq!(log.take(), ["child begins", "child ends"]);
    });
}

#[test]
fn a_request_reaches_what_is_gathered_and_not_what_is_shielded() {
    run(async {
        let (log, saved, gate) = (Log::default(), Count::default(), Gate::default());
        let task = spawn({
            let (log, saved, pass) = (log.clone(), saved.clone(), gate.clone());
            async move {
                let save = shield(async move {
                    pass.passed().await;
                    saved.add();
                });
                let names = ["one", "two"];
                let gathered = gather(names.iter().map(|name| log.work::<()>(name)));
                let mut ends = as_completed(["three"].map(|name| log.work::<()>(name)));
                let next = std::future::poll_fn(|cx| {
                    use futures_util::StreamExt;
                    ends.poll_next_unpin(cx)
                });
                ringio::join!(save, gathered, next);
                log.note("resumed");
            }
        });
        yield_now().await;
        task.cancel();
        task.await.unwrap_err();
        let seen = log.take();
        assert_eq!(seen.len(), 6, "{seen:?}");
        assert_eq!(saved.get(), 0);
        gate.open();
        yield_now().await;
        assert_eq!(saved.get(), 1);
    });
}

#[test]
fn the_grace_bounds_the_clean_ups_of_children() {
    let clock = ManualClock::new();
    let builder = Runner::builder().clock(clock).grace(Duration::from_secs(3));
    let mut runner = builder.build().unwrap();
    runner
        .run(async {
            let (began, dropped) = (Instant::now(), Count::default());
            let token = dropped.on_drop();
            let task = spawn(async move {
                task_group::<(), (), _>(async |group| {
                    let token = token;
                    group.spawn::<(), _>(on_cancel(pending(), async move || {
                        let _token = token;
                        pending().await
                    }));
                    Ok(())
                })
                .await
                .ok();
            });
            yield_now().await;
            task.cancel();
            task.await.unwrap_err();
            assert_eq!((dropped.get(), began.elapsed()), (1, Duration::from_secs(3)));
        })
        .unwrap();
}

#[test]
fn a_group_may_be_used_in_a_clean_up() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = spawn(on_cancel(pending::<()>(), async move || {
            let both = task_group::<_, (), _>(async |group| {
                let one = group.spawn(async {
                    yield_now().await;
                    Ok(1)
                });
                Ok(one.await.unwrap() + gather([async { 2 }]).await[0])
            });
            inner.note(both.await.unwrap().to_string());
        }));
        yield_now().await;
        task.cancel();
        task.await.unwrap_err();
        assert_eq!(log.take(), ["3"]);
    });
}

#[test]
fn asking_again_does_not_break_the_wait() {
    run(async {
        let log = Log::default();
        let task = spawn({
            let log = log.clone();
            async move {
                task_group::<(), (), _>(async |group| {
                    group.spawn::<(), _>(log.work("child"));
                    Ok(())
                })
                .await
                .ok();
            }
        });
        yield_now().await;
        while !task.is_finished() {
            task.cancel();
            yield_now().await;
        }
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["child begins", "child ends"]);
    });
}

#[test]
fn a_request_from_around_is_not_swallowed_by_the_group_s_own() {
    run(async {
        let (log, resumed) = (Log::default(), Count::default());
        let (told, count) = (log.clone(), resumed.clone());
        let escaped = Rc::new(RefCell::new(None));
        let escape = escaped.clone();
        let task = spawn(async move {
            let ended = task_group::<(), (), _>(async |group| {
                escape.replace(Some(group.clone()));
                // What escapes may be used at any time: its children borrow nothing.
                group.spawn::<(), _>(async move { told.work("child").await });
                pending().await
            });
            assert!(ended.await.unwrap_err().is_cancelled());
            yield_now().await;
            count.add();
        });
        yield_now().await;
        yield_now().await;
        escaped.take().unwrap().cancel();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!((log.take().len(), resumed.get()), (2, 0));
    });
}

#[test]
fn errors_under_a_request_from_around_go_with_the_group() {
    run(async {
        let (log, gate) = (Log::default(), Gate::default());
        let (told, pass) = (log.clone(), gate.clone());
        let task = spawn(async move {
            task_group::<(), &str, _>(async |group| {
                group.spawn::<(), _>(told.work("child"));
                group.spawn(async {
                    pass.passed().await;
                    Err::<(), _>("failed")
                });
                Ok(())
            })
            .await
        });
        yield_now().await;
        gate.open();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["child begins", "child ends"]);
    });
}

#[test]
fn behind_an_error_the_group_is_closed() {
    run(async {
        let started = Count::default();
        let failed = task_group::<(), _, _>(async |group| {
            let (other, started) = (group.clone(), &started);
            group.spawn(async move {
                on_cancel(pending::<()>(), async || {
                    assert!(other.is_closed());
                    let late = other.spawn(async {
                        started.add();
                        Ok(())
                    });
                    assert!(late.await.unwrap_err().is_cancelled());
                })
                .await;
                Ok(())
            });
            group.spawn(async {
                yield_now().await;
                Err::<(), _>("failed")
            });
            Ok(())
        });
        assert_eq!(failed.await.unwrap_err().errors(), ["failed"]);
        assert_eq!(started.get(), 0);
    });
}
