//! `wait`.

use std::time::Duration;

use ringio::testing::ManualClock;
use ringio::time::sleep;
use ringio::{JoinHandle, Runner, Until, Waited, run, spawn, wait, yield_now};

use crate::support::{Count, Gate};

fn numbers(waited: &Waited<()>, all: &[ringio::task::Id]) -> (Vec<usize>, Vec<usize>) {
    let nth = |handle: &JoinHandle<()>| all.iter().position(|id| *id == handle.id()).unwrap();
    (waited.done.iter().map(nth).collect(), waited.pending.iter().map(nth).collect())
}

fn behind(gates: &[Gate]) -> (Vec<JoinHandle<()>>, Vec<ringio::task::Id>) {
    let pass = |gate: &Gate| {
        let gate = gate.clone();
        spawn(async move { gate.passed().await })
    };
    let tasks: Vec<_> = gates.iter().map(pass).collect();
    let ids = tasks.iter().map(JoinHandle::id).collect();
    (tasks, ids)
}

#[test]
fn the_first_completed_ends_it() {
    run(async {
        let gates: Vec<Gate> = (0..4).map(|_| Gate::default()).collect();
        let (tasks, ids) = behind(&gates);
        let opener = spawn({
            let gates = gates.clone();
            async move {
                yield_now().await;
                gates[2].open();
                gates[0].open();
            }
        });
        let waited = wait(tasks, Until::FirstCompleted, None).await;
        // Both had finished when it returned, and stand in the order given.
        assert_eq!(numbers(&waited, &ids), (vec![0, 2], vec![1, 3]));
        // One that is done ends the next wait at once.
        let tasks = waited.done.into_iter().chain(waited.pending);
        let waited = wait(tasks, Until::FirstCompleted, None).await;
        assert_eq!(numbers(&waited, &ids), (vec![0, 2], vec![1, 3]));
        for task in waited.done {
            task.await.unwrap();
        }
        gates.iter().for_each(Gate::open);
        let waited = wait(waited.pending, Until::AllCompleted, None).await;
        assert_eq!(numbers(&waited, &ids), (vec![1, 3], vec![]));
        opener.await.unwrap();
    });
}

#[test]
fn an_error_is_a_panic_and_not_a_cancellation() {
    run(async {
        let gate = Gate::default();
        let pass = gate.clone();
        let fails = spawn(async move {
            pass.passed().await;
            panic!("as the test wants")
        });
        let cancelled = spawn(std::future::pending());
        let endless = spawn(std::future::pending());
        cancelled.cancel();
        let opener = spawn(async move {
            for _ in 0..5 {
                yield_now().await;
            }
            gate.open();
        });
        let ids = [&endless, &cancelled, &fails].map(JoinHandle::id);
        let waited = wait([endless, cancelled, fails], Until::FirstError, None).await;
        assert_eq!(numbers(&waited, &ids), (vec![1, 2], vec![0]));
        let mut done = waited.done.into_iter();
        assert!(done.next().unwrap().await.unwrap_err().is_cancelled());
        assert!(done.next().unwrap().await.unwrap_err().is_panic());
        opener.await.unwrap();
    });
}

#[test]
fn an_error_is_also_an_err() {
    #[derive(Debug)]
    struct Strange;

    run(async {
        let endless = || spawn(std::future::pending::<std::io::Result<()>>());
        let fine = || spawn(async { Ok(()) });
        let fails = spawn(async { Err(std::io::Error::other("as the test wants")) });
        let waited = wait([endless(), fine(), fails], Until::FirstError, None).await;
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 1));
        for task in waited.done {
            let _ = task.await.unwrap();
        }
        // Of a type that is not known only where it was asked for.
        let strange = || spawn(async { Err::<(), _>(Strange) });
        let endless = || spawn(std::future::pending::<Result<(), Strange>>());
        let asked = wait([endless(), strange().report_errors()], Until::FirstError, None).await;
        assert_eq!((asked.done.len(), asked.pending.len()), (1, 1));
        assert!(asked.done.into_iter().next().unwrap().await.unwrap().is_err());
        let waited = wait([strange(), spawn(async { Ok(()) })], Until::FirstError, None).await;
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 0));
    });
}

#[test]
fn without_an_error_it_waits_for_all() {
    run(async {
        let gates = vec![Gate::default(); 3];
        gates[0].open();
        let (tasks, ids) = behind(&gates);
        let waited = wait(tasks, Until::FirstError, None).await;
        assert_eq!(numbers(&waited, &ids), (vec![0, 1, 2], vec![]));
    });
}

#[test]
fn when_the_time_is_up_nothing_is_cancelled() {
    let clock = ManualClock::new();
    let mut runner = Runner::builder().clock(clock).build().unwrap();
    runner
        .run(async {
            let tasks = [1, 3, 2].map(|secs| spawn(sleep(Duration::from_secs(secs))));
            let ids = tasks.each_ref().map(JoinHandle::id);
            let limit = Some(Duration::from_millis(2500));
            let waited = wait(tasks, Until::AllCompleted, limit).await;
            assert_eq!(numbers(&waited, &ids), (vec![0, 2], vec![1]));
            let waited = wait(waited.pending, Until::AllCompleted, Some(Duration::ZERO)).await;
            assert_eq!(numbers(&waited, &ids), (vec![], vec![1]));
            let waited = wait(waited.pending, Until::FirstCompleted, None).await;
            assert_eq!(numbers(&waited, &ids), (vec![1], vec![]));
            let none = wait(Vec::<JoinHandle<()>>::new(), Until::AllCompleted, None).await;
            assert!(none.done.is_empty() && none.pending.is_empty());
        })
        .unwrap();
}

#[test]
fn dropping_it_leaves_the_tasks_alone() {
    run(async {
        let (gate, ended) = (Gate::default(), Count::default());
        let (pass, count) = (gate.clone(), ended.clone());
        let task = spawn(async move {
            pass.passed().await;
            count.add();
        });
        let waiting = wait([task], Until::AllCompleted, None);
        assert!(ringio::timeout(Duration::from_millis(1), waiting).await.is_err());
        gate.open();
        yield_now().await;
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn thousands_are_not_asked_again_for_each_that_ends() {
    run(async {
        let tasks: Vec<_> = (0..20_000)
            .map(|nth| {
                spawn(async move {
                    for _ in 0..nth % 50 {
                        yield_now().await;
                    }
                })
            })
            .collect();
        let polls = ringio::stats().polls;
        let waited = wait(tasks, Until::FirstError, None).await;
        assert_eq!(waited.done.len(), 20_000);
        let polls = ringio::stats().polls - polls;
        // The tasks' own, two for each watch, and the waiting task's.
        assert!(polls < 20_000 * (25 + 2) + 5_000, "{polls}");
    });
}
