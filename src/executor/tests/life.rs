use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use super::*;
use crate::executor::{Builder, all, current, spawn as spawn_here, yield_now};

#[test]
fn a_task_runs_in_the_next_turn_and_gives_its_output() {
    let ex = executor();
    let mut handle = spawn(&ex, async { 42 });
    assert!(!handle.is_finished());
    assert!(poll_once(&mut handle).is_pending());
    assert_eq!(ex.tasks(), 1);
    assert_eq!(ex.run_ready(256), 1);
    assert!(handle.is_finished());
    assert_eq!(ex.tasks(), 0);
    assert!(matches!(poll_once(&mut handle), Poll::Ready(Ok(42))));
}

#[test]
fn turns_are_fifo_and_what_is_woken_waits_for_the_next_turn() {
    let ex = executor();
    let log = Rc::new(RefCell::new(Vec::new()));
    for task in 0..3 {
        let log = log.clone();
        drop(spawn(&ex, async move {
            for step in 0..2 {
                log.borrow_mut().push((step, task));
                yield_now().await;
            }
        }));
    }
    assert_eq!(ex.run_ready(256), 3);
    assert_eq!(*log.borrow(), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(ex.run_ready(2), 2);
    assert_eq!(log.borrow()[3..], [(1, 0), (1, 1)]);
    settle(&ex);
    assert_eq!(log.borrow()[3..], [(1, 0), (1, 1), (1, 2)]);
    assert_eq!(ex.tasks(), 0);
}

#[test]
fn a_task_that_always_wakes_itself_does_not_hold_up_a_turn() {
    let ex = executor();
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    let _busy = spawn(&ex, async move {
        loop {
            count.set(count.get() + 1);
            yield_now().await;
        }
    });
    let other = spawn(&ex, async {});
    assert_eq!(ex.run_ready(256), 2);
    assert!(other.is_finished());
    assert_eq!(polls.get(), 1);
}

#[test]
fn wakes_of_a_queued_task_are_one() {
    let ex = executor();
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    let _task = spawn(
        &ex,
        poll_fn(move |cx| {
            count.set(count.get() + 1);
            if count.get() == 1 {
                cx.waker().wake_by_ref();
                let copy = cx.waker().clone();
                copy.wake_by_ref();
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        }),
    );
    settle(&ex);
    assert_eq!(polls.get(), 2);
}

#[test]
fn the_budget_is_fresh_in_each_poll() {
    let ex = executor();
    let spent = spawn(&ex, async {
        let mut spent = 0;
        poll_fn(|cx| {
            while crate::util::budget::spend(cx).is_ready() {
                spent += 1;
            }
            Poll::Ready(())
        })
        .await;
        spent
    });
    let next = spawn(&ex, poll_fn(crate::util::budget::spend));
    ex.run_ready(256);
    assert!(matches!(poll_once(spent), Poll::Ready(Ok(crate::util::budget::PER_POLL))));
    assert!(next.is_finished());
}

#[test]
fn an_eager_task_is_current_while_spawn_polls_it_and_the_spawner_after() {
    let ex = executor();
    let outer = spawn(&ex, async {
        let me = current().unwrap().id();
        let eager = Builder::new().name("eager").eager().spawn(async {
            let info = current().unwrap();
            yield_now().await;
            info
        });
        assert!(!eager.is_finished());
        assert_eq!(current().unwrap().id(), me);
        let seen = eager.await.unwrap();
        assert_eq!(seen.name(), Some("eager"));
        assert_eq!(seen.parent(), Some(me));
        assert_eq!(seen.spawned_at().file(), file!());
        let done = Builder::new().eager().spawn(async { 1 });
        assert!(done.is_finished());
        done.await.unwrap()
    });
    assert_eq!(run(&ex, outer), 1);
    assert!(current().is_none());
}

#[test]
fn all_lists_the_unfinished_in_the_order_of_their_spawn() {
    let ex = executor();
    assert!(all().is_empty());
    let _guard = ex.enter();
    let a = Builder::new().name("a").spawn(pending::<()>());
    let b = spawn_here(async {});
    let c = spawn_here(pending::<()>());
    settle(&ex);
    let infos = all();
    assert_eq!(infos.iter().map(|info| info.id()).collect::<Vec<_>>(), [a.id(), c.id()]);
    assert_eq!(infos[0].name(), Some("a"));
    assert_eq!(infos[1].parent(), None);
    assert!(b.is_finished());
}

#[test]
fn ids_are_unique_across_loops() {
    let mut ids: Vec<_> = (0..3)
        .map(|_| {
            std::thread::spawn(|| {
                let ex = executor();
                (0..3000).map(|_| spawn(&ex, async {}).id()).collect::<Vec<_>>()
            })
        })
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 9000);
}

#[test]
#[should_panic(expected = "RemoteHandle::spawn")]
fn spawn_outside_a_loop_names_the_remedy() {
    drop(spawn_here(async {}));
}

#[test]
fn loops_nest_on_a_thread_and_each_gets_its_own_back() {
    let (outer, inner) = (executor(), executor());
    let inner2 = inner.clone();
    let task = spawn(&outer, async move {
        let waker = my_waker().await;
        let nested = spawn(&inner2, async move {
            // The inner loop is the running one: this wake goes by way of the outer one's inbox.
            waker.wake();
            spawn_here(async { 5 }).await.unwrap()
        });
        let five = run(&inner2, nested);
        pend_once().await;
        five
    });
    assert_eq!(run(&outer, task), 5);
    assert_eq!((outer.tasks(), inner.tasks()), (0, 0));
}

#[test]
fn guards_that_end_out_of_order_leak_and_nothing_worse() {
    let (a, b) = (executor(), executor());
    let (weak_a, weak_b) = (Rc::downgrade(&a), Rc::downgrade(&b));
    let guard_a = a.enter();
    let guard_b = b.enter();
    drop(a);
    drop(guard_a);
    assert!(weak_a.upgrade().is_some());
    drop(b);
    drop(guard_b);
    assert!(weak_b.upgrade().is_none());
    let handle = spawn_here(async { 3 });
    assert_eq!(run(&weak_a.upgrade().unwrap(), handle), 3);
}
