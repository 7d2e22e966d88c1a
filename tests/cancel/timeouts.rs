//! Timeouts as owners.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use ringio::time::{Instant, sleep};
use ringio::{TimeoutError, TimeoutScope, on_cancel, spawn, yield_now};
use ringio::{timeout, timeout_at, timeout_scope};

use crate::watchdog::bounded;
use crate::{Log, ms, run};

#[test]
fn clean_ups_run_before_the_error_is_given() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let began = Instant::now();
            let slow = async {
                let _frame = log.on_drop("frame");
                on_cancel(pending::<()>(), async || {
                    sleep(ms(20)).await;
                    log.add("clean-up");
                })
                .await;
            };
            assert_eq!(timeout(ms(10), slow).await, Err(TimeoutError));
            assert_eq!(log.take(), ["clean-up", "frame"]);
            assert_eq!(began.elapsed(), ms(30));
            let slow = on_cancel(pending::<()>(), async || log.add("clean-up"));
            assert_eq!(timeout_at(Instant::now() + ms(1), slow).await, Err(TimeoutError));
            assert_eq!(log.take(), ["clean-up"]);
        });
    });
}

#[test]
fn its_grace_counts_from_the_deadline() {
    bounded(|| {
        run(async {
            let began = Instant::now();
            let slow = on_cancel(pending::<()>(), async || pending().await);
            assert_eq!(timeout(ms(10), slow).await, Err(TimeoutError));
            assert_eq!(began.elapsed(), ms(10_010));
        });
    });
}

#[test]
fn a_result_of_the_same_poll_wins_and_no_clean_up_runs() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let same = on_cancel(sleep(ms(10)), async || log.add("clean-up"));
            assert_eq!(timeout(ms(10), same).await, Ok(()));
            assert_eq!(log.take(), [""; 0]);
        });
    });
}

#[test]
fn of_several_whose_time_is_up_the_outermost_decides() {
    bounded(|| {
        run(async {
            let at = Instant::now() + ms(10);
            let nested = timeout_at(at, async {
                let _ = timeout_at(at, pending::<()>()).await;
                panic!("the inner one decided");
            });
            assert_eq!(nested.await, Err::<(), _>(TimeoutError));

            // It is through with its clean-ups after the outer deadline.
            let log = Log::default();
            let at = Instant::now() + ms(10);
            let nested = timeout_at(at + ms(5), async {
                let cleaned = on_cancel(pending::<()>(), async || {
                    sleep(ms(20)).await;
                    log.add("clean-up");
                });
                let _ = timeout_at(at, cleaned).await;
                panic!("the inner one decided");
            });
            assert_eq!(nested.await, Err::<(), _>(TimeoutError));
            assert_eq!((log.take(), Instant::now()), (vec!["clean-up"], at + ms(20)));

            // It is through before.
            let at = Instant::now() + ms(10);
            let cleaned = on_cancel(pending::<()>(), async || sleep(ms(20)).await);
            let nested = timeout_at(at + ms(30), timeout_at(at, cleaned)).await;
            assert_eq!((nested, Instant::now()), (Ok(Err(TimeoutError)), at + ms(20)));
        });
    });
}

#[test]
fn the_deadline_of_a_scope_moves() {
    bounded(|| {
        run(async {
            let began = Instant::now();
            let ended = timeout_scope(began + ms(10), async |scope| {
                assert_eq!(scope.when(), Some(began + ms(10)));
                sleep(ms(5)).await;
                scope.reschedule(began + ms(30));
                assert_eq!(scope.when(), Some(began + ms(30)));
                pending::<()>().await
            });
            assert_eq!(ended.await, Err(TimeoutError));
            assert_eq!(began.elapsed(), ms(30));

            let began = Instant::now();
            let ended = timeout_scope(None, async |scope| {
                assert_eq!(scope.when(), None);
                sleep(ms(5)).await;
                scope.reschedule(Instant::now() - ms(1));
                sleep(ms(5)).await;
                panic!("it went on");
            });
            assert_eq!(ended.await, Err(TimeoutError));
            assert_eq!(began.elapsed(), ms(5));

            let began = Instant::now();
            let ended = timeout_scope(began + ms(10), async |scope| {
                scope.reschedule(None);
                sleep(ms(50)).await;
            });
            assert_eq!(ended.await, Ok(()));
        });
    });
}

#[test]
fn others_may_move_it_and_once_it_is_up_nobody() {
    bounded(|| {
        run(async {
            let kept: Rc<RefCell<Option<TimeoutScope>>> = Rc::default();
            let began = Instant::now();
            let theirs = kept.clone();
            let mover = spawn(async move {
                sleep(ms(5)).await;
                theirs.borrow().as_ref().unwrap().reschedule(began + ms(7));
                sleep(ms(5)).await;
                // Its clean-up runs.
                theirs.borrow().as_ref().unwrap().reschedule(None);
                assert_eq!(theirs.borrow().as_ref().unwrap().when(), Some(began + ms(7)));
            });
            let ended = timeout_scope(None, async |scope| {
                kept.replace(Some(scope.clone()));
                on_cancel(pending::<()>(), async || sleep(ms(20)).await).await;
            });
            assert_eq!(ended.await, Err(TimeoutError));
            assert_eq!(began.elapsed(), ms(27));
            mover.await.unwrap();
            let kept = kept.take().unwrap();
            kept.reschedule(Instant::now());
            yield_now().await;
        });
    });
}

#[test]
fn a_deadline_that_moves_while_those_within_wait_for_it_lets_them_end() {
    bounded(|| {
        run(async {
            let at = Instant::now() + ms(10);
            let ended = timeout_scope(at, async |scope| {
                let moves = async {
                    sleep(ms(10)).await;
                    scope.reschedule(None);
                };
                futures_util::future::join(timeout_at(at, pending::<()>()), moves).await.0
            });
            assert_eq!(ended.await, Ok(Err(TimeoutError)));
            assert_eq!(Instant::now(), at);
        });
    });
}

#[test]
fn a_deadline_in_the_past_does_not_start_the_body() {
    bounded(|| {
        run(async {
            let began = Cell::new(false);
            for past in [Instant::now(), Instant::now() - ms(1)] {
                let ended = timeout_scope(past, async |_| began.set(true)).await;
                assert_eq!((ended, began.get()), (Err(TimeoutError), false));
                let cleaned = on_cancel(async { began.set(true) }, async || began.set(true));
                let ended = timeout_at(past, cleaned).await;
                assert_eq!((ended, began.get()), (Err(TimeoutError), false));
            }
        });
    });
}
