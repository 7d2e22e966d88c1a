//! A runner runs what borrows, survives panics, keeps its state, and ends in order.

#[path = "support/child.rs"]
mod child;
#[path = "support/host.rs"]
mod host;
#[path = "support/watchdog.rs"]
mod watchdog;

mod runner {
    mod closing;
    mod grace;
    mod interrupt;
}

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringio::time::{Instant, sleep};
use ringio::{JoinError, RunError, Runner, spawn, task, yield_now};
use watchdog::bounded;

pub(crate) fn runner() -> Runner {
    Runner::builder().build().expect("a ring can be made")
}

/// The words of a panic.
pub(crate) fn words(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).expect("a text")
}

#[test]
fn run_returns_the_output_and_may_borrow() {
    let mut list = vec![1];
    let sum = ringio::run(async {
        yield_now().await;
        list.push(2);
        list.iter().sum::<i32>()
    });
    assert_eq!((sum, list.len()), (3, 2));
    let borrowed = ringio::run(async { &list[1] });
    assert_eq!(*borrowed, 2);
}

#[test]
fn state_is_kept_from_run_to_run() {
    bounded(|| {
        let mut runner = runner();
        let (count, theirs) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (counted, other) = (count.clone(), theirs.clone());
        let (task, deadline) = runner
            .run(async move {
                let slept = spawn(async move {
                    sleep(Duration::from_millis(5)).await;
                    counted.set(1);
                    7
                });
                spawn(async move {
                    loop {
                        other.set(other.get() + 1);
                        yield_now().await;
                    }
                });
                (slept, Instant::now() + Duration::from_millis(5))
            })
            .unwrap();
        assert_eq!(count.get(), 0);
        let stood = theirs.get();
        // What is left stands still between the runs.
        assert_eq!(theirs.get(), stood);
        assert_eq!(runner.run(task).unwrap().unwrap(), 7);
        assert!(count.get() == 1 && theirs.get() > stood && Instant::now() >= deadline);
    });
}

#[test]
fn a_panic_of_main_propagates_and_the_runner_goes_on() {
    bounded(|| {
        let mut runner = runner();
        let dropped = Rc::new(Cell::new(false));
        struct OnDrop(Rc<Cell<bool>>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let guard = OnDrop(dropped.clone());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            runner.run(async move {
                let _guard = guard;
                yield_now().await;
                panic!("main gave up");
            })
        }));
        assert_eq!(words(&*panicked.unwrap_err()), "main gave up");
        assert!(dropped.get(), "the future is gone");
        assert_eq!(runner.run(async { spawn(async { 5 }).await.unwrap() }).unwrap(), 5);
        let through_run = catch_unwind(|| ringio::run(async { panic!("again") }));
        assert_eq!(words(&*through_run.unwrap_err()), "again");
        assert_eq!(ringio::run(async { 1 }), 1);
    });
}

#[test]
fn a_panic_in_a_task_becomes_an_error_and_the_loop_lives() {
    bounded(|| {
        ringio::run(async {
            let error = spawn(async { panic!("a task gave up") }).await.unwrap_err();
            assert!(error.is_panic() && !error.is_cancelled());
            assert_eq!(words(&*error.into_panic()), "a task gave up");
            assert_eq!(spawn(async { 3 }).await.unwrap(), 3);
        });
    });
}

/// Message, task's name, and whether the place of the spawn is in this file.
pub(crate) type Reports = Arc<Mutex<Vec<(String, Option<String>, Option<u32>)>>>;

pub(crate) fn reporting() -> (Runner, Reports) {
    let reports = Reports::default();
    let theirs = reports.clone();
    let builder = Runner::builder().exception_handler(move |context| {
        let line = context.spawned_at.filter(|place| place.file().starts_with("tests/runner"));
        let report = (context.message.clone(), context.task.clone(), line.map(|at| at.line()));
        theirs.lock().unwrap().push(report);
    });
    (builder.build().unwrap(), reports)
}

#[test]
fn a_panic_that_nobody_sees_is_reported_once() {
    bounded(|| {
        let (mut runner, reports) = reporting();
        let line = line!() + 3;
        let run = runner.run(async {
            // Detached: its handle goes before it panics.
            drop(task::Builder::new().name("worker").spawn(async { panic!("first") }));
            let seen = spawn(async { panic!("seen") });
            let unseen = spawn(async { panic!("second") });
            assert!(matches!(seen.await, Err(JoinError::Panicked(_))));
            while !unseen.is_finished() {
                yield_now().await;
            }
            drop(unseen);
        });
        run.unwrap();
        runner.close();
        drop(runner);
        let reports = reports.lock().unwrap();
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert!(reports[0].0.contains("first") && reports[1].0.contains("second"), "{reports:?}");
        assert_eq!(reports[0].1.as_deref(), Some("worker"));
        assert_eq!(reports[0].2, Some(line));
        assert_eq!((&reports[1].1, reports[1].2.is_some()), (&None, true));
    });
}

#[test]
fn a_handler_that_panics_harms_nobody() {
    bounded(|| {
        let builder = Runner::builder().exception_handler(|_| panic!("the handler too"));
        let mut runner = builder.build().unwrap();
        let after = runner.run(async {
            drop(spawn(async { panic!("unseen") }));
            yield_now().await;
            yield_now().await;
            8
        });
        assert_eq!(after.unwrap(), 8);
    });
}

#[test]
fn a_nested_run_is_refused() {
    bounded(|| {
        let mut inner = runner();
        ringio::run(async {
            assert!(matches!(inner.run(async {}), Err(RunError::Nested)));
            let panicked = catch_unwind(|| ringio::run(async {}));
            let words = words(&*panicked.unwrap_err());
            assert!(words.contains("an event loop runs on this thread already"), "{words}");
            // In a task too, and the loop goes on.
            let nested = spawn(async { catch_unwind(|| ringio::run(async {})).is_err() });
            assert!(nested.await.unwrap());
        });
        assert_eq!(inner.run(async { 4 }).unwrap(), 4);
    });
}

#[test]
fn a_runner_in_a_runner_can_be_closed_there() {
    bounded(|| {
        ringio::run(async {
            let mut inner = runner();
            inner.close();
            assert!(matches!(inner.run(async {}), Err(RunError::Closed)));
            drop(inner);
            drop(runner());
            // The outer loop is still the running one.
            sleep(Duration::from_millis(1)).await;
            assert_eq!(spawn(async { 2 }).await.unwrap(), 2);
        });
    });
}

#[test]
fn main_is_a_task_with_the_runner_s_name() {
    let mut runner = Runner::builder().name("chief").build().unwrap();
    let run = runner.run(async {
        let current = task::current().expect("main is a task");
        assert_eq!(current.name(), Some("chief"));
        assert_eq!(current.spawned_at().file(), file!());
        assert!(task::all().iter().any(|task| task.id() == current.id()));
    });
    run.unwrap();
}

#[test]
fn outside_a_loop_spawn_says_so() {
    let panicked = catch_unwind(|| drop(spawn(async {})));
    assert!(words(&*panicked.unwrap_err()).contains("no ringio loop is running on this thread"));
    let kept = RefCell::new(None);
    ringio::run(async { *kept.borrow_mut() = Some(spawn(std::future::pending::<()>())) });
    let task = kept.take().unwrap();
    assert!(task.is_finished(), "its loop has ended");
    assert!(ringio::run(task).unwrap_err().is_cancelled());
}
