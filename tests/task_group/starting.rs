//! Children that must not start any more.

use std::future::pending;

use ringio::{Cancelled, cancel_scope, run, task_group};

use crate::support::Count;

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
