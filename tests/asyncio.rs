//! What asyncio's documentation says of runners, tasks and timeouts and no other test shows:
//! `docs/asyncio.md` names them all.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use ringio::{RemoteHandle, TimeoutError, spawn, stats, task, timeout, yield_now};
use watchdog::bounded;

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn each_run_has_a_loop_of_its_own_and_ends_it() {
    bounded(|| {
        let left = Rc::new(());
        let mut handles = Vec::new();
        for _ in 0..2 {
            let theirs = left.clone();
            handles.push(ringio::run(async move {
                drop(spawn(async move {
                    let _theirs = theirs;
                    pending::<()>().await;
                }));
                yield_now().await;
                assert_eq!(task::all().len(), 2, "nobody is left from the run before");
                RemoteHandle::current()
            }));
            assert_eq!(Rc::strong_count(&left), 1);
        }
        assert!(handles.iter().all(RemoteHandle::is_closed));
    });
}

#[test]
fn outside_a_task_there_is_no_current_one_and_none_is_listed() {
    assert!(task::current().is_none());
    assert!(task::all().is_empty());
}

#[test]
fn an_eager_task_that_ends_at_once_takes_no_turn() {
    bounded(|| {
        ringio::run(async {
            let (polls, turns) = (stats().polls, stats().turns);
            let mut done = task::Builder::new().eager().spawn(async { 7 });
            assert!(done.is_finished());
            assert_eq!((&mut done).now_or_never().unwrap().unwrap(), 7);
            assert_eq!((stats().polls, stats().turns), (polls + 1, turns));
            assert_eq!(task::all().len(), 1);
        });
    });
}

#[test]
fn an_eager_spawn_needs_a_loop_too() {
    let spawned = catch_unwind(|| drop(task::Builder::new().eager().spawn(async {})));
    let words = spawned.unwrap_err();
    let words = words.downcast_ref::<&str>().expect("a panic with words");
    assert!(words.contains("no ringio loop is running"), "{words}");
}

#[test]
fn before_its_end_a_task_has_no_outcome_and_to_look_loses_nothing() {
    bounded(|| {
        ringio::run(async {
            let mut task = spawn(async {
                yield_now().await;
                7
            });
            assert!(!task.is_finished());
            assert!((&mut task).now_or_never().is_none());
            yield_now().await;
            assert!((&mut task).now_or_never().is_none());
            yield_now().await;
            assert!(task.is_finished());
            assert_eq!(task.await.unwrap(), 7);
        });
    });
}

#[test]
fn asking_again_is_true_until_the_end() {
    bounded(|| {
        ringio::run(async {
            let cleaned = Rc::new(Cell::new(0));
            let count = cleaned.clone();
            let mut task = spawn(ringio::on_cancel(pending::<()>(), async move || {
                yield_now().await;
                count.set(count.get() + 1);
            }));
            yield_now().await;
            assert!(task.cancel() && task.cancel());
            yield_now().await;
            assert!(task.cancel(), "its clean-up runs");
            assert!((&mut task).await.unwrap_err().is_cancelled());
            assert!(!task.cancel());
            assert_eq!(cleaned.get(), 1);
        });
    });
}

/// asyncio cancels what the task awaits, down to the last future. Here a handle is dropped.
#[test]
fn cancelling_a_task_detaches_the_one_that_it_awaits() {
    bounded(|| {
        ringio::run(async {
            let ended = Rc::new(Cell::new(false));
            let end = ended.clone();
            let outer = spawn(async move {
                let inner = spawn(async move {
                    for _ in 0..3 {
                        yield_now().await;
                    }
                    end.set(true);
                });
                inner.await.unwrap();
            });
            yield_now().await;
            assert!(outer.cancel());
            assert!(outer.await.unwrap_err().is_cancelled());
            assert!(!ended.get());
            for _ in 0..3 {
                yield_now().await;
            }
            assert!(ended.get());
        });
    });
}

#[test]
fn errors_and_panics_of_the_body_pass_a_timeout_unchanged() {
    bounded(|| {
        ringio::run(async {
            let failed = timeout(LONG, async { Err::<(), _>("its own") });
            assert_eq!(failed.await, Ok(Err("its own")));
            let says_the_same = timeout(LONG, async { Err::<(), _>(TimeoutError) });
            assert_eq!(says_the_same.await, Ok(Err(TimeoutError)));
            let panics = timeout(LONG, async {
                yield_now().await;
                panic!("its own")
            });
            let panicked: Result<Result<(), _>, _> = AssertUnwindSafe(panics).catch_unwind().await;
            assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"its own"));
        });
    });
}

/// asyncio would give the result of something that is done already.
#[test]
fn a_timeout_of_zero_does_not_ask_what_would_be_ready() {
    bounded(|| {
        ringio::run(async {
            let asked = Cell::new(false);
            let ready = poll_fn(|_| {
                asked.set(true);
                std::task::Poll::Ready(7)
            });
            assert_eq!(timeout(Duration::ZERO, ready).await, Err(TimeoutError));
            assert!(!asked.get());
            // A handle stays with whoever lends it, and so does its result.
            let mut task = spawn(async { 7 });
            yield_now().await;
            assert_eq!(timeout(Duration::ZERO, &mut task).await.unwrap_err(), TimeoutError);
            assert_eq!(task.await.unwrap(), 7);
        });
    });
}

#[test]
fn a_task_that_awaits_itself_waits_and_goes_with_its_loop() {
    bounded(|| {
        let alive = Rc::new(());
        let theirs = alive.clone();
        ringio::run(async move {
            let own = Rc::new(Cell::new(None));
            let slot = own.clone();
            let task = spawn(async move {
                let _theirs = theirs;
                yield_now().await;
                let own: ringio::JoinHandle<()> = slot.take().expect("it was put there");
                own.await.expect("it waits for itself");
            });
            own.set(Some(task));
            for _ in 0..5 {
                yield_now().await;
            }
            assert_eq!(task::all().len(), 2, "it waits, and harms nobody");
        });
        assert_eq!(Rc::strong_count(&alive), 1);
    });
}
