//! `shield`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use ringio::{Runner, run, shield, spawn, yield_now};

use crate::support::{Count, Gate};

#[test]
fn it_starts_at_the_call_and_gives_the_output() {
    run(async {
        let started = Count::default();
        let count = started.clone();
        let shielded = shield(async move {
            count.add();
            7
        });
        yield_now().await;
        assert_eq!(started.get(), 1, "before its first poll");
        assert_eq!(shielded.await, 7);
    });
}

#[test]
fn dropping_what_awaits_it_does_not_stop_it() {
    run(async {
        let (gate, done) = (Gate::default(), Count::default());
        let (pass, count) = (gate.clone(), done.clone());
        let outer = spawn(async move {
            shield(async move {
                pass.passed().await;
                count.add();
            })
            .await;
        });
        yield_now().await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert_eq!(done.get(), 0);
        gate.open();
        yield_now().await;
        assert_eq!(done.get(), 1);
    });
}

/// Runs on a loop that notes what its exception handler is told.
fn heard(main: impl AsyncFnOnce()) -> Vec<String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let builder = Runner::builder()
        .exception_handler(move |context| told.lock().unwrap().push(context.message.clone()));
    let mut runner = builder.build().unwrap();
    let ended = catch_unwind(AssertUnwindSafe(|| runner.run(main()).unwrap()));
    drop(runner);
    ended.unwrap_or_else(|_| heard.lock().unwrap().push("unwound".to_owned()));
    heard.lock().unwrap().split_off(0)
}

#[test]
fn a_panic_nobody_saw_is_told_once() {
    let told = heard(async || {
        let gate = Gate::default();
        let pass = gate.clone();
        let shielded = shield(async move {
            pass.passed().await;
            panic!("nobody sees this");
        });
        drop(shielded);
        gate.open();
        yield_now().await;
    });
    assert_eq!(told, ["a task panicked: nobody sees this"]);
}

#[test]
fn a_panic_that_was_awaited_goes_to_who_awaits_it() {
    let told = heard(async || {
        let shielded = spawn(async { shield(async { panic!("seen") }).await });
        let error = shielded.await.map(|()| "no panic").unwrap_err();
        assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"seen"));
    });
    assert_eq!(told, [""; 0]);
}

#[test]
fn a_shield_whose_task_was_dropped_stays_pending() {
    let (began, ended) = (Count::default(), Count::default());
    let mut runner = Runner::builder().build().unwrap();
    let (count, end) = (began.clone(), ended.clone());
    runner
        .run(async move {
            spawn(async move {
                let shielded = shield(std::future::pending::<()>());
                count.add();
                shielded.await;
                end.add();
            });
            yield_now().await;
        })
        .unwrap();
    runner.close();
    assert_eq!((began.get(), ended.get()), (1, 0));
}

#[test]
fn however_many_shields_the_panic_is_told_once() {
    let told = heard(async || {
        let gate = Gate::default();
        let pass = gate.clone();
        let shielded = shield(shield(shield(async move {
            pass.passed().await;
            panic!("nobody sees this");
        })));
        yield_now().await;
        drop(shielded);
        gate.open();
        for _ in 0..5 {
            yield_now().await;
        }
    });
    assert_eq!(told, ["a task panicked: nobody sees this"]);
}

#[test]
fn one_that_has_ended_is_immediate() {
    run(async {
        let shielded = shield(async { 7 });
        yield_now().await;
        let polls = ringio::stats().polls;
        assert_eq!((shielded.await, ringio::stats().polls), (7, polls));
    });
}
