//! Thousands of children, nested groups, and turns for the others.

use std::cell::{Cell, RefCell};
use std::pin::Pin;

use ringio::{TaskGroup, run, spawn, stats, task_group, yield_now};

use crate::support::{Count, Gate, counted};

const MANY: usize = 10_000;

#[test]
fn only_children_that_were_woken_are_polled() {
    run(async {
        let gates: Vec<Gate> = (0..MANY).map(|_| Gate::default()).collect();
        let polls = Count::default();
        task_group::<_, (), _>(async |group| {
            for gate in &gates {
                let polls = &polls;
                group.spawn(async move {
                    counted(polls, gate.passed()).await;
                    Ok(())
                });
            }
            assert_eq!(group.len(), MANY);
            while polls.get() < MANY {
                yield_now().await;
            }
            gates.iter().for_each(Gate::open);
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2 * MANY);
    });
}

#[test]
fn children_that_are_always_ready_leave_the_others_their_turns() {
    run(async {
        let turns = Count::default();
        let count = turns.clone();
        let other = spawn(async move {
            loop {
                count.add();
                yield_now().await;
            }
        });
        let (polls, bodies) = (stats().polls, Count::default());
        task_group::<_, (), _>(async |group| {
            for _ in 0..1000 {
                group.spawn(async {
                    for _ in 0..10 {
                        yield_now().await;
                    }
                    Ok(())
                });
            }
            while group.len() > 0 {
                bodies.add();
                yield_now().await;
            }
            Ok(())
        })
        .await
        .unwrap();
        assert!(stats().polls - polls >= 11_000, "each child's poll is counted as one");
        // Each poll of the group has at most 32 turns for its children.
        assert!(turns.get() >= 11_000 / 32 && bodies.get() >= 11_000 / 32, "{turns:?} {bodies:?}");
        other.cancel();
    });
}

#[test]
fn each_child_has_a_budget_of_its_own() {
    run(async {
        // Without one the second child would find none left in each turn of the first.
        let stop = Cell::new(false);
        let worked = Cell::new(0);
        task_group::<_, (), _>(async |group| {
            group.spawn(async {
                while !stop.get() {
                    let tasks: Vec<_> = (0..200).map(|_| spawn(async {})).collect();
                    yield_now().await;
                    for task in tasks {
                        task.await.unwrap();
                    }
                }
                Ok(())
            });
            group.spawn(async {
                for _ in 0..50 {
                    let task = spawn(async {});
                    yield_now().await;
                    task.await.unwrap();
                    worked.set(worked.get() + 1);
                }
                stop.set(true);
                Ok(())
            });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(worked.get(), 50);
    });
}

#[test]
fn turns_go_round_in_order_however_many_polls_of_the_group_they_take() {
    run(async {
        let turns = RefCell::new(Vec::new());
        task_group::<_, (), _>(async |group| {
            for nth in 0..100 {
                let turns = &turns;
                group.spawn(async move {
                    for _ in 0..3 {
                        turns.borrow_mut().push(nth);
                        yield_now().await;
                    }
                    Ok(())
                });
            }
            Ok(())
        })
        .await
        .unwrap();
        assert!(turns.take().into_iter().eq((0..3).flat_map(|_| 0..100)));
    });
}

/// A tree of groups: each node is a group with two children.
fn tree<'env>(
    leaves: &'env Cell<u32>,
    depth: u32,
) -> Pin<Box<dyn Future<Output = Result<(), u32>> + 'env>> {
    Box::pin(async move {
        yield_now().await;
        if depth == 0 {
            leaves.set(leaves.get() + 1);
            return if leaves.get() == 300 { Err(300) } else { Ok(()) };
        }
        let ended = task_group(async |group: &TaskGroup<'_, u32>| {
            group.spawn(tree(leaves, depth - 1));
            group.spawn(tree(leaves, depth - 1));
            Ok(())
        });
        ended.await.map_err(|error| error.errors()[0])
    })
}

#[test]
fn groups_in_groups() {
    run(async {
        let leaves = Cell::new(0);
        assert_eq!(tree(&leaves, 8).await, Ok(()));
        assert_eq!(leaves.take(), 256);
        // The three-hundredth leaf fails, and its error ends all groups above it.
        assert_eq!(tree(&leaves, 10).await, Err(300));
        assert!(leaves.get() < 1024);
    });
}

#[test]
fn a_long_lived_group_keeps_nothing_of_children_that_have_ended() {
    run(async {
        task_group::<_, (), _>(async |group| {
            for _ in 0..1000 {
                let children: Vec<_> =
                    (0..10).map(|nth| group.spawn(async move { Ok(nth) })).collect();
                for (nth, child) in children.into_iter().enumerate() {
                    assert_eq!(child.await.unwrap(), nth);
                }
                assert_eq!(group.len(), 0);
            }
            Ok(())
        })
        .await
        .unwrap();
    });
}
