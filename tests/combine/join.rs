//! `join!` and `try_join!`.

use std::future::{pending, ready};

use ringio::{join, run, spawn, try_join, yield_now};

use crate::support::{Count, Gate};

#[test]
fn outputs_come_in_the_order_written() {
    run(async {
        let (first, second) = (Gate::default(), Gate::default());
        let opener = async {
            second.open();
            yield_now().await;
            first.open();
        };
        let text = String::from("borrowed");
        let joined = join!(
            async {
                first.passed().await;
                text.as_str()
            },
            async {
                second.passed().await;
                2
            },
            opener,
        );
        assert_eq!(joined, ("borrowed", 2, ()));
        assert_eq!(join!(ready(1)), (1,));
    });
}

#[test]
fn what_has_ended_is_dropped_and_not_polled_again() {
    run(async {
        let (dropped, gate) = (Count::default(), Gate::default());
        let token = dropped.on_drop();
        let held = std::future::poll_fn(move |_| {
            let _held = &token;
            std::task::Poll::Ready(())
        });
        let (watch, open) = (dropped.clone(), gate.clone());
        let task = spawn(async move { join!(held, gate.passed()) });
        yield_now().await;
        yield_now().await;
        assert_eq!(watch.get(), 1, "the first is gone while the second is awaited");
        open.open();
        task.await.unwrap();
    });
}

#[test]
fn a_branch_that_is_always_ready_does_not_starve_the_others() {
    run(async {
        let (busy, turns) = (Gate::default(), Count::default());
        busy.open();
        let done = Count::default();
        // Finished handles cost the task's budget: the first branch alone would use all of it.
        let spender = async {
            while done.get() == 0 {
                spawn(async {}).await.unwrap();
                let tasks: Vec<_> = (0..200).map(|_| spawn(async {})).collect();
                yield_now().await;
                for task in tasks {
                    task.await.unwrap();
                }
            }
        };
        let other = async {
            for _ in 0..50 {
                let task = spawn(async {});
                yield_now().await;
                task.await.unwrap();
                turns.add();
            }
            done.add();
        };
        join!(spender, other);
        assert_eq!(turns.get(), 50);
    });
}

#[test]
fn the_first_error_is_given_at_once_and_drops_the_others() {
    run(async {
        let dropped = Count::default();
        let token = dropped.on_drop();
        let endless = async move {
            let _token = token;
            pending::<Result<(), &str>>().await
        };
        let failed = try_join!(endless, async {
            yield_now().await;
            Err::<(), _>("failed")
        });
        assert_eq!((failed, dropped.get()), (Err("failed"), 1));
        let all = try_join!(async { Ok::<_, ()>(1) }, async { Ok("two") });
        assert_eq!(all, Ok((1, "two")));
    });
}
