//! When a group ends, and with what.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use futures_util::poll;
use ringio::testing::ManualClock;
use ringio::time::{Instant, sleep};
use ringio::{GroupError, Runner, TaskGroup, run, spawn, task, task_group, yield_now};

use crate::support::{Count, Gate};

#[test]
fn an_empty_group_ends_with_its_body() {
    run(async {
        let polls = ringio::stats().polls;
        assert_eq!(task_group::<_, (), _>(async |_| Ok(1)).await, Ok(1));
        assert_eq!(ringio::stats().polls, polls, "in the same poll");
        let failed = task_group::<(), _, _>(async |_| Err("body")).await;
        assert_eq!(failed.unwrap_err().errors(), ["body"]);
        let nested = task_group::<_, (), _>(async |_| {
            Ok(task_group::<_, (), _>(async |_| Ok(2)).await.unwrap())
        });
        assert_eq!(nested.await, Ok(2));
    });
}

#[test]
fn it_waits_for_all_children_also_those_added_while_waiting() {
    async fn add<'env>(
        group: TaskGroup<'env, ()>,
        ended: &'env Cell<u32>,
        left: u32,
    ) -> Result<(), ()> {
        yield_now().await;
        if left > 0 {
            // Boxed, for its type contains itself.
            let next: Pin<Box<dyn Future<Output = _>>> =
                Box::pin(add(group.clone(), ended, left - 1));
            group.spawn(next);
        }
        ended.set(ended.get() + 1);
        Ok(())
    }
    run(async {
        let ended = Cell::new(0);
        task_group(async |group| {
            group.spawn(add(group.clone(), &ended, 20));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ended.get(), 21);
    });
}

#[test]
fn cancel_ends_the_children_and_the_body_without_an_error() {
    run(async {
        let (dropped, started) = (Count::default(), Count::default());
        let ended = task_group::<(), &str, _>(async |group| {
            let token = dropped.on_drop();
            group.spawn(async move {
                let _token = token;
                pending::<Result<(), &str>>().await
            });
            yield_now().await;
            group.spawn(async {
                started.add();
                Ok(())
            });
            group.cancel();
            group.cancel();
            assert!(group.is_closed());
            let late = group.spawn(async {
                started.add();
                Ok(())
            });
            assert!(late.is_finished());
            assert!(late.await.unwrap_err().is_cancelled());
            yield_now().await;
            unreachable!("the body has ended")
        });
        let error = ended.await.unwrap_err();
        assert!(error.is_cancelled() && error.errors().is_empty());
        assert_eq!(error.to_string(), "the group was cancelled");
        assert_eq!((dropped.get(), started.get()), (1, 0), "what has not started never does");
    });
}

#[test]
fn a_body_that_returns_as_it_cancels_gives_its_value() {
    run(async {
        let first = task_group::<_, (), _>(async |group| {
            let fast = group.spawn(async { Ok("fast") });
            group.spawn(pending::<Result<(), ()>>());
            let fast = fast.await.unwrap();
            group.cancel();
            Ok(fast)
        });
        assert_eq!(first.await, Ok("fast"));
        // Also when a child cancels after the body has returned, and no more was to be waited for.
        let left = task_group::<_, (), _>(async |group| {
            let other = group.clone();
            group.spawn(async move {
                yield_now().await;
                other.cancel();
                pending::<Result<(), ()>>().await
            });
            Ok("body")
        });
        assert_eq!(left.await, Ok("body"));
    });
}

#[test]
fn an_escaped_clone_refuses() {
    run(async {
        let (escaped, dropped) = (RefCell::new(None), Count::default());
        task_group::<(), (), _>(async |group| {
            escaped.replace(Some(group.clone()));
            Ok(())
        })
        .await
        .unwrap();
        let group = escaped.take().unwrap();
        assert!(group.is_closed());
        let token = dropped.on_drop();
        let child = group.spawn(async move {
            let _token = token;
            Ok(())
        });
        assert_eq!((dropped.get(), group.len()), (1, 0));
        assert!(child.await.unwrap_err().is_cancelled());
        group.cancel();
    });
}

#[test]
fn dropping_it_drops_the_children_at_once() {
    let clock = ManualClock::new();
    let mut runner = Runner::builder().clock(clock).build().unwrap();
    runner
        .run(async {
            let began = Instant::now();
            let dropped = Count::default();
            let lent = String::from("lent");
            let group = task_group::<(), (), _>(async |group| {
                for _ in 0..100 {
                    let token = dropped.on_drop();
                    let lent = &lent;
                    group.spawn(async move {
                        let _token = (token, lent);
                        sleep(Duration::from_secs(60)).await;
                        Ok(())
                    });
                }
                pending().await
            });
            assert!(ringio::timeout(Duration::from_secs(1), group).await.is_err());
            assert_eq!((dropped.get(), began.elapsed()), (100, Duration::from_secs(1)));
            drop(lent);
            assert_eq!(task::all().len(), 1);
        })
        .unwrap();
}

#[test]
fn the_end_of_the_task_is_the_end_of_the_group() {
    let dropped = Count::default();
    let count = dropped.clone();
    let mut runner = Runner::builder().build().unwrap();
    let kept = Cell::new(None);
    runner
        .run(async {
            let task = spawn(async move {
                let lent = Cell::new(0);
                let ended: Result<(), GroupError<()>> = task_group(async |group| {
                    let token = count.on_drop();
                    let lent = &lent;
                    group.spawn(async move {
                        let _token = token;
                        lent.set(1);
                        pending::<Result<(), ()>>().await
                    });
                    Ok(())
                })
                .await;
                unreachable!("{ended:?}")
            });
            yield_now().await;
            yield_now().await;
            kept.set(Some(task));
        })
        .unwrap();
    let task = kept.take().unwrap();
    assert_eq!(dropped.get(), 0);
    runner.close();
    assert_eq!((dropped.get(), task.is_finished()), (1, true));
}

/// The future of a group is nobody's but its holder's, who may carry it from loop to loop.
#[test]
fn each_loop_lists_the_children_that_were_spawned_on_it() {
    let (mut first, mut second) = (Runner::builder().build().unwrap(), Runner::builder().build());
    let second = second.as_mut().unwrap();
    let (escaped, ids) = (RefCell::new(None), RefCell::new(Vec::new()));
    let mut group = Box::pin(task_group::<(), (), _>(async |group| {
        escaped.replace(Some(group.clone()));
        ids.borrow_mut().push(group.spawn(pending::<Result<(), ()>>()).id());
        pending().await
    }));
    let listed = |runner: &mut Runner| {
        let all = runner.run(async { task::all() }).unwrap();
        let is_child = |info: &&task::Info| ids.borrow().contains(&info.id());
        all.iter().filter(is_child).map(task::Info::id).collect::<Vec<_>>()
    };
    first.run(async { assert!(poll!(&mut group).is_pending()) }).unwrap();
    let spawn_here = async || {
        let escaped = escaped.borrow();
        let child = escaped.as_ref().unwrap().spawn(pending::<Result<(), ()>>());
        ids.borrow_mut().push(child.id());
    };
    second.run(spawn_here()).unwrap();
    second.run(spawn_here()).unwrap();
    assert_eq!(listed(&mut first), ids.borrow()[..1]);
    assert_eq!(listed(second), ids.borrow()[1..]);
    second.run(async { assert!(poll!(&mut group).is_pending()) }).unwrap();
    assert_eq!(listed(second), ids.borrow()[1..]);
    // The first loop's end leaves its children to their group.
    first.close();
    drop(first);
    second.run(async { drop(group) }).unwrap();
    assert_eq!(listed(second), []);
    drop(escaped.take());
}

#[test]
fn children_are_tasks_with_a_parent() {
    run(async {
        let me = task::current().unwrap().id();
        let gate = Gate::default();
        task_group::<(), (), _>(async |group| {
            let (other, gate) = (group.clone(), &gate);
            let child = group.spawn(async move {
                let own = task::current().unwrap();
                let grandchild = other.spawn(async { Ok(task::current().unwrap()) });
                let grandchild = grandchild.await.unwrap();
                assert_eq!(grandchild.parent(), Some(own.id()));
                gate.passed().await;
                Ok(own)
            });
            assert_eq!(group.len(), 1);
            yield_now().await;
            let listed = task::all();
            let listed = listed.iter().find(|task| task.id() == child.id()).unwrap();
            assert_eq!(listed.parent(), Some(me));
            assert_eq!(listed.spawned_at().file(), file!());
            assert_eq!(task::current().unwrap().id(), me);
            gate.open();
            assert_eq!(child.await.unwrap().id(), listed.id());
            assert_eq!((task::all().len(), group.len()), (1, 0));
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_child_may_cancel_the_group_in_its_first_turn() {
    run(async {
        let ended = task_group::<(), (), _>(async |group| {
            let other = group.clone();
            group.spawn(async move {
                other.cancel();
                Ok(())
            });
            group.spawn(pending::<Result<(), ()>>());
            pending().await
        });
        assert!(ended.await.unwrap_err().is_cancelled());
    });
}

#[test]
#[should_panic(expected = "no ringio loop is running")]
fn outside_of_a_loop_a_spawn_panics() {
    let group = Box::pin(task_group::<(), (), _>(async |group| {
        group.spawn(async { Ok(()) });
        Ok(())
    }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = Box::leak(Box::new(group)).as_mut().poll(&mut cx);
}

ringio::task_local! {
    static PLACE: u32 = 0;
}

#[test]
fn children_inherit_values_and_parts_share_them() {
    run(async {
        PLACE.set(1);
        task_group::<(), (), _>(async |group| {
            let child = group.spawn(async {
                let inherited = PLACE.get();
                PLACE.set(2);
                yield_now().await;
                Ok((inherited, PLACE.get()))
            });
            yield_now().await;
            assert_eq!(PLACE.get(), 1);
            assert_eq!(child.await.unwrap(), (1, 2));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ringio::gather([async { PLACE.get() }]).await, [1]);
        ringio::gather([async { PLACE.set(3) }]).await;
        assert_eq!(PLACE.get(), 3);
    });
}
