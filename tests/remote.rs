//! Tasks that were sent to a loop, and what becomes of them when nobody wants to know.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use ringio::{RemoteError, RemoteHandle, Runner, yield_now};
use watchdog::bounded;

/// Turns until a condition holds.
fn until(runner: &mut Runner, holds: impl Fn() -> bool) {
    let turned = runner.run(async {
        while !holds() {
            yield_now().await;
        }
    });
    turned.unwrap();
}

#[test]
fn detached_it_runs_on_and_its_panic_is_reported_once() {
    bounded(|| {
        let reports: Arc<Mutex<Vec<String>>> = Arc::default();
        let theirs = reports.clone();
        let builder = Runner::builder().exception_handler(move |context| {
            theirs.lock().unwrap().push(context.message.clone());
        });
        let mut runner = builder.build().unwrap();
        let rounds = Arc::new(AtomicUsize::new(0));
        let counted = rounds.clone();
        drop(runner.handle().spawn(move || async move {
            for _ in 0..5 {
                counted.fetch_add(1, SeqCst);
                yield_now().await;
            }
            panic!("nobody hears this");
        }));
        until(&mut runner, || rounds.load(SeqCst) == 5);
        until(&mut runner, || !reports.lock().unwrap().is_empty());
        runner.close();
        let reports = reports.lock().unwrap();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains("nobody hears this"), "{reports:?}");
    });
}

#[test]
fn cancelled_before_the_loop_gets_to_it_it_never_starts() {
    bounded(|| {
        let mut runner = Runner::builder().build().unwrap();
        let join = runner.handle().spawn(|| async { unreachable!("it was cancelled") });
        join.cancel();
        let outcome: Result<(), RemoteError> = runner.run(join).unwrap();
        assert!(matches!(outcome, Err(RemoteError::Cancelled)), "{outcome:?}");
    });
}

#[test]
fn cancelled_and_then_dropped_it_ends() {
    bounded(|| {
        let mut runner = Runner::builder().build().unwrap();
        let alive = Arc::new(());
        let theirs = alive.clone();
        let join = runner.handle().spawn(move || async move {
            let _theirs = theirs;
            pending::<()>().await;
        });
        for _ in 0..2 {
            runner.run(yield_now()).unwrap();
        }
        assert_eq!(Arc::strong_count(&alive), 2);
        join.cancel();
        drop(join);
        until(&mut runner, || Arc::strong_count(&alive) == 1);
    });
}

#[test]
fn a_wait_on_the_loop_s_own_thread_panics_and_does_not_hang() {
    bounded(|| {
        ringio::run(async {
            let mut join = RemoteHandle::current().spawn(|| async { 7 });
            let waited = catch_unwind(AssertUnwindSafe(|| join.wait(None)));
            let words = waited.unwrap_err();
            assert!(words.downcast_ref::<&str>().unwrap().contains("await it instead"));
            assert_eq!(join.await.unwrap(), 7);
        });
    });
}
