//! `as_completed`.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_util::{Stream, StreamExt};
use ringio::{as_completed, run, spawn, yield_now};

use crate::support::{Count, Gate, counted};

#[test]
fn outputs_come_as_the_futures_end() {
    run(async {
        let gates: Vec<Gate> = (0..10).map(|_| Gate::default()).collect();
        let mut ends = as_completed(gates.iter().enumerate().map(async |(nth, gate)| {
            gate.passed().await;
            nth
        }));
        assert_eq!(ends.size_hint(), (10, Some(10)));
        for nth in [3, 0, 9, 5] {
            gates[nth].open();
            assert_eq!(ends.next().await, Some(nth));
        }
        // Left and come back to.
        yield_now().await;
        for nth in [8, 1] {
            gates[nth].open();
        }
        assert_eq!((ends.next().await, ends.next().await), (Some(8), Some(1)));
        assert_eq!(ends.size_hint(), (4, Some(4)));
        gates.iter().for_each(Gate::open);
        assert_eq!(ends.collect::<Vec<_>>().await, [2, 4, 6, 7]);
    });
}

#[test]
fn it_may_be_made_outside_of_a_loop_and_ends_for_good() {
    let ends = as_completed((0..3).map(async |nth| nth));
    run(async move {
        let mut ends = ends;
        let mut seen = Vec::new();
        while let Some(nth) = ends.next().await {
            seen.push(nth);
        }
        assert_eq!((seen, ends.next().await), (vec![0, 1, 2], None));
    });
}

#[test]
fn only_those_that_were_woken_are_polled() {
    run(async {
        let (polls, gates) = (Count::default(), vec![Gate::default(); 1]);
        let never = Gate::default();
        let waiting = (0..1000).map(|nth| {
            let gate = if nth == 0 { &gates[0] } else { &never };
            counted(&polls, gate.passed())
        });
        let mut ends = as_completed(waiting);
        while polls.get() < 1000 {
            poll_fn(|cx| Poll::Ready(Pin::new(&mut ends).poll_next(cx).is_ready())).await;
            yield_now().await;
        }
        gates[0].open();
        assert_eq!((ends.next().await, polls.get()), (Some(()), 1001));
    });
}

#[test]
fn outputs_that_are_always_there_leave_the_others_their_turns() {
    run(async {
        let turns = Count::default();
        let count = turns.clone();
        let other = spawn(async move {
            loop {
                count.add();
                yield_now().await;
            }
        });
        let ends = as_completed((0..10_000).map(async |nth: usize| nth));
        assert_eq!(ends.count().await, 10_000);
        assert!(turns.get() >= 10_000 / 128 - 1, "{turns:?}");
        other.cancel();
    });
}

#[test]
fn a_time_limit_around_the_next_output_loses_nothing() {
    run(async {
        let gates = vec![Gate::default(); 1];
        let mut ends = as_completed(gates.iter().map(async |gate| {
            gate.passed().await;
            7
        }));
        let moment = std::time::Duration::from_millis(1);
        assert!(ringio::timeout(moment, ends.next()).await.is_err());
        gates[0].open();
        assert_eq!((ends.next().await, ends.next().await), (Some(7), None));
    });
}
