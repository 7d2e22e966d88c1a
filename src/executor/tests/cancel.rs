//! Cancelling, and dropping at once.
//!
//! # Safety
//! A future that borrows is dropped by the test that spawned it.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use super::*;
use crate::executor::{JoinError, current, yield_now};

fn cancelled<T>(outcome: Poll<Result<T, JoinError>>) -> bool {
    matches!(outcome, Poll::Ready(Err(JoinError::Cancelled)))
}

#[test]
fn a_request_is_delivered_on_the_next_turn_as_that_task() {
    let ex = executor();
    let dropped_as = Rc::new(Cell::new(None));
    let seen = dropped_as.clone();
    let guard = on_drop(move || seen.set(current().map(|info| info.id())));
    let mut task = spawn(&ex, async move {
        let _guard = guard;
        pending::<()>().await;
    });
    ex.run_ready(256);
    assert!(task.cancel());
    assert!(task.cancel(), "asking twice is asking once");
    assert!(!task.is_finished());
    assert_eq!(dropped_as.get(), None);
    assert_eq!(ex.run_ready(256), 1);
    assert_eq!(dropped_as.get(), Some(task.id()));
    assert!(!task.cancel());
    assert!(cancelled(poll_once(&mut task)));
    assert_eq!(ex.run_ready(256), 0);
}

#[test]
fn an_unstarted_task_never_starts() {
    let ex = executor();
    let drops = Drops::default();
    let token = drops.token();
    let task = spawn(&ex, async move {
        let _token = token;
        panic!("it started");
    });
    task.cancel();
    settle(&ex);
    assert_eq!(drops.count(), 1);
    assert!(cancelled(poll_once(task)));
}

#[test]
fn a_result_of_the_poll_that_asked_wins() {
    let ex = executor();
    let own: Rc<RefCell<Option<JoinHandle<i32>>>> = Rc::default();
    let inside = own.clone();
    let task = spawn(&ex, async move {
        assert!(inside.borrow().as_ref().unwrap().cancel());
        7
    });
    *own.borrow_mut() = Some(task);
    settle(&ex);
    let task = own.borrow_mut().take().unwrap();
    assert!(matches!(poll_once(task), Poll::Ready(Ok(7))));
}

#[test]
fn a_task_that_cancels_itself_and_waits_goes_on_its_next_turn() {
    let ex = executor();
    let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
    let inside = own.clone();
    let task = spawn(&ex, async move {
        inside.borrow().as_ref().unwrap().cancel();
        yield_now().await;
        panic!("it went on");
    });
    *own.borrow_mut() = Some(task);
    ex.run_ready(256);
    assert!(!own.borrow().as_ref().unwrap().is_finished());
    settle(&ex);
    assert!(cancelled(poll_once(own.borrow_mut().take().unwrap())));
}

#[test]
fn cancel_all_reaches_everybody() {
    let ex = executor();
    let tasks: Vec<_> = (0..10).map(|_| spawn(&ex, pending::<()>())).collect();
    ex.run_ready(5);
    ex.cancel_all();
    assert_eq!(ex.tasks(), 10);
    settle(&ex);
    assert_eq!(ex.tasks(), 0);
    assert!(tasks.into_iter().all(|task| cancelled(poll_once(task))));
}

#[test]
fn drop_now_drops_at_once_and_later_in_the_tasks_own_poll() {
    let ex = executor();
    let drops = Drops::default();
    let token = drops.token();
    let task = spawn(&ex, async move {
        let _token = token;
        pending::<()>().await;
    });
    ex.run_ready(256);
    task.drop_now();
    assert_eq!(drops.count(), 1);
    assert!(cancelled(poll_once(task)));

    let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
    let (inside, token) = (own.clone(), drops.token());
    let task = spawn(&ex, async move {
        let _token = token;
        inside.borrow().as_ref().unwrap().drop_now();
        yield_now().await;
    });
    *own.borrow_mut() = Some(task);
    assert_eq!(ex.run_ready(256), 1);
    assert_eq!(drops.count(), 2);
    assert_eq!(ex.run_ready(256), 0, "a task that is over is not polled");
    assert!(cancelled(poll_once(own.borrow_mut().take().unwrap())));
}

#[test]
fn a_future_that_borrows_is_gone_when_drop_now_returns() {
    let ex = executor();
    let counter = Cell::new(0);
    // SAFETY: dropped below, before the counter.
    #[allow(unsafe_code, reason = "the contract under test")]
    let task = unsafe {
        ex.spawn_unchecked(Meta::here(), async {
            counter.set(1);
            let _set = on_drop(|| counter.set(2));
            pending::<()>().await
        })
    };
    ex.run_ready(256);
    assert_eq!(counter.get(), 1);
    task.drop_now();
    assert_eq!(counter.get(), 2);
}
