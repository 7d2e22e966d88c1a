//! Children that must not start any more.

use std::cell::OnceCell;
use std::future::pending;
use std::pin::pin;

use ringio::{CancelScope, Cancelled, cancel_scope, run, task_group};

use crate::support::Count;
use crate::watchdog::bounded;

#[test]
fn children_behind_one_that_asks_an_owner_around_do_not_start() {
    run(async {
        let started = Count::default();
        let ended = cancel_scope(async |scope| {
            task_group::<(), (), _>(async |group| {
                for _ in 0..3 {
                    group.spawn(async {
                        started.add();
                        scope.cancel();
                        pending::<Result<(), ()>>().await
                    });
                }
                Ok(())
            })
            .await
        });
        assert_eq!((ended.await.err(), started.get()), (Some(Cancelled), 1));
    });
}

/// The scope has only borrowed the group, and its end is not the group's.
#[test]
fn children_that_were_held_back_start_when_the_group_goes_on() {
    let sum = bounded(|| {
        run(async {
            let around = OnceCell::<CancelScope>::new();
            let mut group = pin!(task_group::<_, (), _>(async |group| {
                group.spawn(async {
                    around.get().inspect(|scope| scope.cancel());
                    Ok(())
                });
                let others = [1, 2].map(|n| group.spawn(async move { Ok(n) }));
                let [one, two] = others;
                Ok(one.await.unwrap() + two.await.unwrap())
            }));
            let first = cancel_scope(async |scope| {
                around.set(scope.clone()).expect("set once");
                group.as_mut().await
            });
            assert_eq!(first.await.err(), Some(Cancelled));
            group.await
        })
    });
    assert_eq!(sum, Ok(3));
}
