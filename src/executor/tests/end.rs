use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use super::*;
use crate::executor::spawn as spawn_here;

#[test]
fn drop_all_drops_in_the_order_of_the_spawns_and_contains_panics() {
    let ex = executor();
    let log = Rc::new(RefCell::new(Vec::new()));
    // A slot of the roster that is used again must not change the order.
    drop(spawn(&ex, async {}));
    drop(spawn(&ex, pending::<()>()));
    settle(&ex);
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let log = log.clone();
            let guard = on_drop(move || {
                log.borrow_mut().push(n);
                assert_ne!(n, 2, "destructor");
            });
            spawn(&ex, async move {
                let _guard = guard;
                pending::<()>().await
            })
        })
        .collect();
    ex.run_ready(3);
    ex.drop_all();
    assert_eq!(*log.borrow(), [0, 1, 2, 3, 4]);
    assert_eq!(ex.tasks(), 0);
    for (n, task) in tasks.into_iter().enumerate() {
        let Poll::Ready(Err(error)) = poll_once(task) else { panic!("it has an outcome") };
        assert_eq!(error.is_panic(), n == 2);
    }
    settle(&ex);
}

#[test]
fn a_handle_outlives_the_executor() {
    let ex = executor();
    let finished = spawn(&ex, async { String::from("output") });
    ex.run_ready(256);
    let unfinished = spawn(&ex, pending::<()>());
    let named = ex.spawn(Meta::here().named(Some("n".into())), pending::<()>());
    drop(ex);
    assert!(matches!(poll_once(finished), Poll::Ready(Ok(text)) if text == "output"));
    assert!(!unfinished.cancel());
    assert!(matches!(poll_once(unfinished), Poll::Ready(Err(error)) if error.is_cancelled()));
    assert_eq!(named.name().as_deref(), Some("n"));
}

#[test]
fn spawn_while_closing_drops_the_future_and_is_cancelled() {
    let ex = executor();
    let drops = Drops::default();
    let token = drops.token();
    ex.refuse_new();
    let _guard = ex.enter();
    let task = spawn_here(async move { token });
    assert_eq!(drops.count(), 1);
    assert_eq!(ex.tasks(), 0);
    assert!(matches!(poll_once(task), Poll::Ready(Err(error)) if error.is_cancelled()));
}

#[test]
fn a_forgotten_executor_leaks_and_its_wakers_stay_valid() {
    let slot: Rc<RefCell<Option<Waker>>> = Rc::default();
    let theirs = slot.clone();
    let ex = executor();
    drop(spawn(&ex, async move {
        let waker = my_waker().await;
        *theirs.borrow_mut() = Some(waker);
        pending::<()>().await
    }));
    ex.run_ready(256);
    std::mem::forget(ex);
    let waker = slot.borrow_mut().take().unwrap();
    std::thread::spawn(move || waker.wake()).join().unwrap();
}
