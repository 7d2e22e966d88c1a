//! `select!`.

use std::future::{pending, ready};
use std::pin::pin;
use std::time::Duration;

use ringio::time::sleep;
use ringio::{run, select, spawn, yield_now};

use crate::support::{Count, Gate};

#[test]
fn the_first_wins_and_the_others_are_dropped_before_its_branch_runs() {
    run(async {
        let dropped = Count::default();
        let token = dropped.on_drop();
        let seen = select! {
            never = async { let _token = token; pending::<usize>().await } => never,
            got = async { yield_now().await; 7 } => got + dropped.get(),
        };
        assert_eq!(seen, 8);
    });
}

#[test]
fn branches_that_are_always_ready_win_about_as_often() {
    run(async {
        let mut wins = [0_u32; 3];
        for _ in 0..3000 {
            let winner = select! {
                won = ready(0) => won,
                won = ready(1) => won,
                won = ready(2) => won,
            };
            wins[winner] += 1;
        }
        assert!(wins.iter().all(|times| (800..1200).contains(times)), "{wins:?}");
    });
}

#[test]
fn biased_goes_in_the_order_written() {
    run(async {
        for _ in 0..100 {
            select! {
                biased;
                () = pending() => unreachable!(),
                () = ready(()) => {}
                () = ready(()) => panic!("the second comes first"),
            }
        }
    });
}

#[test]
fn a_future_given_by_reference_goes_on() {
    run(async {
        let gate = Gate::default();
        let mut steps = 0;
        let mut work = pin!(async {
            gate.passed().await;
            "worked"
        });
        let worked = loop {
            select! {
                worked = &mut work => break worked,
                () = yield_now() => {
                    steps += 1;
                    if steps == 3 {
                        gate.open();
                    }
                }
            }
        };
        assert_eq!((worked, steps >= 3), ("worked", true));
    });
}

#[test]
fn branches_may_leave_and_borrow() {
    async fn first_line(lines: &mut Vec<String>) -> Result<usize, String> {
        let len = select! {
            // The future borrows `lines` mutably, and the branch does so again.
            line = async { lines.pop() } => {
                let line = line.ok_or("empty")?;
                lines.push(line.clone());
                line.len()
            },
            (..) = sleep(Duration::from_secs(600)) => return Err("late".to_owned()),
        };
        Ok(len)
    }
    run(async {
        let mut lines = vec!["four".to_owned()];
        assert_eq!(first_line(&mut lines).await, Ok(4));
        assert_eq!(lines, ["four"]);
        assert_eq!(first_line(&mut Vec::new()).await, Err("empty".to_owned()));
    });
}

#[test]
fn a_spent_budget_starves_no_branch() {
    run(async {
        // Both branches need the task's budget, and the first would use all of it.
        let (done, rounds) = (Count::default(), Count::default());
        let spender = async {
            loop {
                let tasks: Vec<_> = (0..200).map(|_| spawn(async {})).collect();
                yield_now().await;
                for task in tasks {
                    task.await.unwrap();
                }
                rounds.add();
            }
        };
        let other = async {
            for _ in 0..20 {
                let task = spawn(async {});
                yield_now().await;
                task.await.unwrap();
            }
            done.add();
        };
        select! {
            () = spender => unreachable!(),
            () = other => {}
        }
        assert_eq!(done.get(), 1);
    });
}
