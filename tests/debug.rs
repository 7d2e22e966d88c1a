//! Debug mode: what keeps the loop for too long is told, with its name and origin.

#[path = "support/child.rs"]
#[expect(dead_code, reason = "this child has an environment of its own")]
mod child;
#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use child::{command, is_child};
use ringio::{Builder, Runner, event_loop, spawn, task, yield_now};
use watchdog::bounded;

/// Message, the task's name, and the line of its spawn if that is in this file.
type Reports = Arc<Mutex<Vec<(String, Option<String>, Option<u32>)>>>;

fn reporting(builder: Builder) -> (Runner, Reports) {
    let reports = Reports::default();
    let theirs = reports.clone();
    let builder = builder.exception_handler(move |context| {
        let line = context.spawned_at.filter(|place| place.file() == file!());
        let report = (context.message.clone(), context.task.clone(), line.map(|at| at.line()));
        theirs.lock().unwrap().push(report);
    });
    (builder.build().unwrap(), reports)
}

/// Keeps its thread.
fn block(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {}
}

#[test]
fn a_poll_that_keeps_the_loop_is_told_with_name_and_origin() {
    bounded(|| {
        let slow = Duration::from_millis(50);
        let builder = Runner::builder().debug(true).slow_callback_duration(slow).name("chief");
        let (mut runner, reports) = reporting(builder);
        let line = line!() + 2;
        let run = runner.run(async move {
            let hog = task::Builder::new().name("hog").spawn(async move {
                yield_now().await;
                block(slow);
                yield_now().await;
            });
            hog.await.unwrap();
        });
        run.unwrap();
        let reports = reports.lock().unwrap();
        // On a crowded machine others may be slow as well.
        let of_hog = reports.iter().find(|report| report.1.as_deref() == Some("hog"));
        let (message, _, place) = of_hog.expect("it is told");
        assert!(message.contains("has kept the loop"), "{message}");
        assert_eq!(*place, Some(line));
    });
}

#[test]
fn every_poll_is_slow_when_none_is_too_fast_and_the_last_one_counts() {
    bounded(|| {
        let builder = Runner::builder().debug(true).slow_callback_duration(Duration::ZERO);
        let (mut runner, reports) = reporting(builder);
        runner.run(async { yield_now().await }).unwrap();
        assert_eq!(reports.lock().unwrap().len(), 2);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runner.run(async { panic!("in a slow poll") })
        }));
        assert!(panicked.is_err());
        assert_eq!(reports.lock().unwrap().len(), 3);
    });
}

#[test]
fn switched_off_nothing_is_told() {
    bounded(|| {
        let builder = Runner::builder().debug(false).slow_callback_duration(Duration::ZERO);
        let (mut runner, reports) = reporting(builder);
        let run = runner.run(async {
            spawn(yield_now()).await.unwrap();
            assert!(!event_loop().debug());
        });
        run.unwrap();
        assert!(reports.lock().unwrap().is_empty());
    });
}

#[test]
fn it_is_switched_while_the_loop_runs() {
    ringio::run(async {
        let reports = Rc::new(RefCell::new(Vec::new()));
        let theirs = reports.clone();
        let this = event_loop();
        this.set_exception_handler(move |context| {
            theirs.borrow_mut().push(context.message.clone())
        });
        this.set_slow_callback_duration(Duration::ZERO);
        yield_now().await;
        assert!(reports.borrow().is_empty());
        this.set_debug(true);
        // The poll that switches it on was begun without.
        yield_now().await;
        yield_now().await;
        assert_eq!(reports.borrow().len(), 1);
        this.set_debug(false);
    });
}

#[test]
fn a_closure_from_another_thread_that_keeps_the_loop_is_told() {
    bounded(|| {
        let slow = Duration::from_millis(50);
        let builder = Runner::builder().debug(true).slow_callback_duration(slow);
        let (mut runner, reports) = reporting(builder);
        let (handle, called) = (runner.handle(), Arc::new(AtomicBool::new(false)));
        let calls = called.clone();
        let sent = thread::spawn(move || {
            handle.call(move || {
                block(slow);
                calls.store(true, SeqCst);
            })
        });
        sent.join().unwrap().unwrap();
        let run = runner.run(async {
            while !called.load(SeqCst) {
                yield_now().await;
            }
        });
        run.unwrap();
        let reports = reports.lock().unwrap();
        let words = "a closure from another thread has kept";
        assert!(reports.iter().any(|(message, ..)| message.contains(words)), "{reports:?}");
    });
}

#[test]
fn the_environment_switches_it_on_unless_the_builder_was_told() {
    if is_child() {
        let by_environment = ringio::run(async { event_loop().debug() });
        let mut told = Runner::builder().debug(false).build().unwrap();
        println!("debug: {by_environment} {}", told.run(async { event_loop().debug() }).unwrap());
        return;
    }
    for (value, on) in [("1", true), ("0", false), ("", false)] {
        let mut child = command("the_environment_switches_it_on_unless_the_builder_was_told");
        let output = child.env("RINGIO_DEBUG", value).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!("debug: {on} false")), "{value:?}: {said}");
    }
}
