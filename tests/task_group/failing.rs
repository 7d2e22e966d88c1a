//! Errors and panics.

use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use futures_util::poll;
use ringio::{GroupError, Runner, on_cancel, run, task_group, yield_now};

use crate::support::{Count, Gate};

#[test]
fn the_first_error_cancels_the_rest_and_the_body() {
    run(async {
        let (dropped, resumed) = (Count::default(), Count::default());
        let failed: Result<(), GroupError<&str>> = task_group(async |group| {
            for _ in 0..10 {
                let token = dropped.on_drop();
                group.spawn(async move {
                    let _token = token;
                    pending::<Result<(), _>>().await
                });
            }
            group.spawn(async {
                yield_now().await;
                Err::<(), _>("failed")
            });
            pending::<()>().await;
            resumed.add();
            Ok(())
        })
        .await;
        assert_eq!(failed.unwrap_err().into_errors(), ["failed"]);
        assert_eq!((dropped.get(), resumed.get()), (10, 0));
    });
}

#[test]
fn all_errors_are_kept_in_the_order_in_which_they_came() {
    run(async {
        // All are ready in the same round, and what is ready before it is cancelled counts.
        let gates: Vec<Gate> = (0..4).map(|_| Gate::default()).collect();
        let failed = task_group::<(), _, _>(async |group| {
            for (nth, gate) in gates.iter().enumerate() {
                group.spawn(async move {
                    gate.passed().await;
                    Err::<(), _>(nth)
                });
            }
            group.spawn(pending::<Result<(), _>>());
            yield_now().await;
            for nth in [2, 0, 3, 1] {
                gates[nth].open();
            }
            pending().await
        });
        assert_eq!(failed.await.unwrap_err().into_errors(), [2, 0, 3, 1]);

        // One that has not started never does.
        let failed = task_group::<(), _, _>(async |group| {
            group.spawn(async { Err::<(), _>(1) });
            group.spawn::<(), _>(async { unreachable!() });
            Ok(())
        });
        assert_eq!(failed.await.unwrap_err().errors(), [1]);
    });
}

#[test]
fn the_body_s_error_comes_with_those_of_children() {
    run(async {
        let failed = task_group::<(), _, _>(async |group| {
            group.spawn(async { Err::<(), _>("child") });
            yield_now().await;
            yield_now().await;
            Err("body")
        });
        assert_eq!(failed.await.unwrap_err().errors(), ["child"], "the body was ended by it");

        let failed = task_group::<(), _, _>(async |group| {
            let gate = Gate::default();
            let pass = gate.clone();
            group.spawn(async move {
                pass.passed().await;
                Err::<(), _>("child")
            });
            yield_now().await;
            // The child is ready, and so is the body.
            gate.open();
            Err("body")
        });
        assert_eq!(failed.await.unwrap_err().errors(), ["body", "child"]);
    });
}

#[test]
fn a_child_s_error_is_not_its_handle_s() {
    run(async {
        let failed = task_group::<(), _, _>(async |group| {
            let child = group.spawn(async { Err::<(), _>("failed") });
            group.spawn(async move {
                // Not reached: the error ends it first.
                assert!(child.await.unwrap_err().is_cancelled());
                Ok(())
            });
            Ok(())
        });
        assert_eq!(failed.await.unwrap_err().to_string(), "one task of the group failed: failed");
    });
}

#[test]
fn a_child_that_is_cancelled_alone_does_not_count() {
    run(async {
        let ended = task_group::<_, (), _>(async |group| {
            let (first, second) =
                (group.spawn(pending::<Result<(), _>>()), group.spawn(async { Ok(2) }));
            assert!(first.cancel());
            assert!(first.await.unwrap_err().is_cancelled());
            Ok(second.await.unwrap())
        });
        assert_eq!(ended.await, Ok(2));
    });
}

/// The words of the panic that running this ends with, and what the exception handler is told.
fn words(main: impl Future) -> (String, Vec<String>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let builder = Runner::builder()
        .exception_handler(move |context| told.lock().unwrap().push(context.message.clone()));
    let mut runner = builder.build().unwrap();
    let payload = catch_unwind(AssertUnwindSafe(|| runner.run(main).map(drop))).unwrap_err();
    drop(runner);
    let word = payload.downcast_ref::<&str>().expect("a panic with words");
    ((*word).to_owned(), heard.lock().unwrap().split_off(0))
}

#[test]
fn a_panic_cancels_the_siblings_awaits_them_and_goes_on() {
    let dropped = Count::default();
    let count = dropped.clone();
    let (word, told) = words(async move {
        task_group::<(), (), _>(async |group| {
            for _ in 0..10 {
                let token = count.on_drop();
                group.spawn(async move {
                    let _token = token;
                    pending::<Result<(), ()>>().await
                });
            }
            drop(group.spawn::<(), _>(async {
                yield_now().await;
                panic!("of a child")
            }));
            group.spawn::<(), _>(async { panic!("of another, first") });
            pending().await
        })
        .await
    });
    assert_eq!((word.as_str(), dropped.get()), ("of another, first", 10));
    assert_eq!(told, ["a task of a group panicked: of a child"], "nobody else sees it");
}

#[test]
fn a_panic_of_the_body_does_so_too() {
    let dropped = Count::default();
    let count = dropped.clone();
    let (word, told) = words(async move {
        task_group::<(), (), _>(async |group| {
            let token = count.on_drop();
            group.spawn(async move {
                let _token = token;
                pending::<Result<(), ()>>().await
            });
            yield_now().await;
            panic!("of the body")
        })
        .await
    });
    assert_eq!((word.as_str(), dropped.get(), told.len()), ("of the body", 1, 0));
}

struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("of a destructor");
    }
}

#[test]
fn a_panic_of_a_destructor_does_so_too() {
    // At a child's end, and when it is cancelled.
    for case in 0..2 {
        let ended = Count::default();
        let count = ended.clone();
        let (word, told) = words(async move {
            let group = task_group::<(), (), _>(async |group| {
                let fragile = Fragile;
                let child = group.spawn(async move {
                    let _fragile = &fragile;
                    if case == 0 { Ok(()) } else { pending().await }
                });
                yield_now().await;
                if case == 1 {
                    child.cancel();
                }
                pending().await
            });
            let kept = Cell::new(count.on_drop());
            group.await.ok();
            drop(kept);
        });
        assert_eq!((word.as_str(), ended.get(), told.len()), ("of a destructor", 1, 0), "{case}");
    }
}

/// What the exception handler is told while this runs to its end.
fn told(main: impl Future) -> Vec<(String, Option<u32>)> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let theirs = heard.clone();
    let builder = Runner::builder().exception_handler(move |context| {
        let place = context.spawned_at.map(|place| place.line());
        theirs.lock().unwrap().push((context.message.clone(), place));
    });
    let mut runner = builder.build().unwrap();
    runner.run(main).unwrap();
    drop(runner);
    heard.lock().unwrap().split_off(0)
}

/// A group with a child that panics, and another whose clean-up takes for ever.
async fn holds_a_panic(line: &Cell<u32>) {
    let ended = task_group::<(), (), _>(async |group| {
        group.spawn::<(), _>(on_cancel(pending(), async || pending().await));
        yield_now().await;
        line.set(line!() + 1);
        group.spawn::<(), _>(async { panic!("of a child") });
        pending().await
    });
    ended.await.unwrap();
}

#[test]
fn a_group_that_is_dropped_tells_of_its_panic_and_does_not_unwind() {
    let line = Cell::new(0);
    let told = told(async {
        let mut group = Box::pin(holds_a_panic(&line));
        for _ in 0..3 {
            assert!(poll!(&mut group).is_pending());
        }
        drop(group);
    });
    assert_eq!(told, [("a task of a group panicked: of a child".to_owned(), Some(line.get()))]);
}

#[test]
fn a_group_with_a_panic_may_be_dropped_by_an_unwinding_task() {
    let line = Cell::new(0);
    let told = told(async {
        let mut group = Box::pin(holds_a_panic(&line));
        for _ in 0..3 {
            assert!(poll!(&mut group).is_pending());
        }
        let thrown = catch_unwind(AssertUnwindSafe(|| {
            let _dropped_while_it_unwinds = group;
            panic!("as the test wants");
        }));
        assert!(thrown.is_err());
    });
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn of_a_dropped_group_the_destructors_panics_are_told() {
    let told = told(async {
        let group = task_group::<(), (), _>(async |group| {
            for _ in 0..2 {
                let fragile = Fragile;
                group.spawn(async move {
                    let _fragile = &fragile;
                    pending::<Result<(), ()>>().await
                });
            }
            yield_now().await;
            pending().await
        });
        let limited = ringio::timeout(std::time::Duration::from_millis(1), group);
        assert!(limited.await.is_err(), "it is a timeout that drops the group");
    });
    let words: Vec<_> = told.iter().map(|(words, _)| &words[..]).collect();
    assert_eq!(words, ["a task of a group panicked: of a destructor"; 2]);
}
