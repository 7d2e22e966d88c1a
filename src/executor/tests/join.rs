use std::cell::RefCell;
use std::future::pending;
use std::mem::forget;
use std::pin::Pin;
use std::rc::Rc;

use super::*;
use crate::executor::yield_now;

#[test]
fn a_joiner_is_woken_and_gets_the_output() {
    let ex = executor();
    let inner = spawn(&ex, async {
        yield_now().await;
        String::from("moved")
    });
    let outer = spawn(&ex, async move { inner.await.unwrap() });
    assert_eq!(run(&ex, outer), "moved");
}

#[test]
fn the_latest_joiner_is_the_one_that_is_woken() {
    let ex = executor();
    let mut task = spawn(&ex, pend_once());
    let (first, second) = (Bell::new(), Bell::new());
    for bell in [&first, &first, &second] {
        let waker = Waker::from(bell.clone());
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 1, "the waker that was replaced was dropped");
    task.cancel();
    settle(&ex);
    assert_eq!((first.rings(), second.rings()), (0, 1));
    assert_eq!(Arc::strong_count(&second), 1);
}

#[test]
#[should_panic(expected = "polled after it gave its outcome")]
fn polling_after_the_outcome_panics() {
    let ex = executor();
    let mut task = spawn(&ex, async {});
    settle(&ex);
    assert!(poll_once(&mut task).is_ready());
    let _ = poll_once(&mut task);
}

#[test]
fn a_detached_task_runs_on_and_its_output_is_dropped() {
    let ex = executor();
    let drops = Drops::default();
    let token = drops.token();
    drop(spawn(&ex, async move { token }));
    assert_eq!(drops.count(), 0);
    settle(&ex);
    assert_eq!(drops.count(), 1);
    let token = drops.token();
    let finished = spawn(&ex, async move { token });
    settle(&ex);
    assert_eq!(drops.count(), 1);
    drop(finished);
    assert_eq!(drops.count(), 2);
}

#[test]
fn dropping_the_handle_drops_the_joiner() {
    let ex = executor();
    let bell = Bell::new();
    let mut task = spawn(&ex, pending::<()>());
    let waker = Waker::from(bell.clone());
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    drop(task);
    assert_eq!(Arc::strong_count(&bell), 1);
}

#[test]
fn a_task_that_holds_its_own_handle_is_freed() {
    let ex = executor();
    let drops = Drops::default();
    let own = Rc::new(RefCell::new(None));
    let (inside, token) = (own.clone(), drops.token());
    let handle = spawn(&ex, async move {
        let handle: JoinHandle<()> = inside.borrow_mut().take().unwrap();
        pend_once().await;
        drop((handle, token));
    });
    *own.borrow_mut() = Some(handle);
    ex.run_ready(256);
    ex.cancel_all();
    settle(&ex);
    assert_eq!(drops.count(), 1);
    assert_eq!(ex.tasks(), 0);
}

#[test]
fn tasks_that_await_each_other_are_freed_with_the_loop() {
    let ex = executor();
    let drops = Drops::default();
    let slot: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
    let (theirs, token) = (slot.clone(), drops.token());
    let a = spawn(&ex, async move {
        let b = theirs.borrow_mut().take().unwrap();
        let _ = b.await;
        drop(token);
    });
    let token = drops.token();
    let b = spawn(&ex, async move {
        let _ = a.await;
        drop(token);
    });
    *slot.borrow_mut() = Some(b);
    settle(&ex);
    drop(ex);
    assert_eq!(drops.count(), 2);
}

#[test]
fn handles_and_wakers_that_are_forgotten_leak_and_nothing_worse() {
    let ex = executor();
    forget(spawn(&ex, async { String::from("leaked") }));
    let polled = Rc::new(RefCell::new(spawn(&ex, pend_once())));
    assert!(poll_once(&mut *polled.borrow_mut()).is_pending());
    forget(polled);
    drop(spawn(&ex, async {
        forget(my_waker().await);
        pend_once().await;
    }));
    settle(&ex);
    assert_eq!(ex.tasks(), 2);
}

#[test]
fn a_task_is_one_allocation() {
    // The slot is as large as the larger of future and outcome, and begins behind the header.
    let header = size_of::<crate::executor::header::Header>();
    assert!(header <= 160, "a header takes {header} bytes");
}

#[test]
fn an_over_aligned_future_is_polled_where_it_may_be() {
    #[repr(align(256))]
    #[derive(Clone, Copy)]
    struct Wide(u8);
    let ex = executor();
    let wide = Wide(7);
    let task = spawn(&ex, async move {
        yield_now().await;
        assert_eq!(&raw const wide as usize % 256, 0);
        wide
    });
    assert_eq!(run(&ex, task).0, 7);
}
