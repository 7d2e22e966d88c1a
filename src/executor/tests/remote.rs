use std::cell::RefCell;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use super::*;
use crate::executor::Executor;

#[test]
fn a_wake_from_another_thread_rings_once_and_runs_the_task() {
    let bell = Bell::new();
    let ex = Executor::new(bell.clone().into());
    let (sender, receiver) = channel();
    let task = spawn(&ex, async move {
        sender.send(my_waker().await).unwrap();
        pend_once().await;
        1
    });
    ex.run_ready(256);
    assert!(!ex.has_ready());
    let waker = receiver.recv().unwrap();
    thread::spawn(move || {
        waker.wake_by_ref();
        waker.wake_by_ref();
        waker.wake();
    })
    .join()
    .unwrap();
    assert_eq!(bell.rings(), 1);
    assert!(ex.has_ready());
    assert_eq!(ex.run_ready(256), 1);
    assert!(matches!(poll_once(task), Poll::Ready(Ok(1))));
}

#[test]
fn a_wake_on_the_loops_own_thread_does_not_ring() {
    let bell = Bell::new();
    let ex = Executor::new(bell.clone().into());
    let _guard = ex.enter();
    let slot: Rc<RefCell<Option<Waker>>> = Rc::default();
    let theirs = slot.clone();
    let task = spawn(&ex, async move {
        let waker = my_waker().await;
        *theirs.borrow_mut() = Some(waker);
        pend_once().await;
    });
    ex.run_ready(256);
    slot.borrow_mut().take().unwrap().wake();
    assert_eq!(ex.run_ready(256), 1);
    assert!(task.is_finished());
    assert_eq!(bell.rings(), 0);
}

#[test]
fn closures_run_in_the_order_of_their_pushes_and_may_push() {
    let ex = executor();
    let remote = ex.remote();
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..100 {
                let (sender, again) = (sender.clone(), remote.clone());
                let first = move || {
                    sender.send(n).unwrap();
                    let later = move || sender.send(n + 100).unwrap();
                    assert!(again.push(Box::new(later)).is_ok());
                };
                assert!(remote.push(Box::new(first)).is_ok());
            }
        });
    });
    settle(&ex);
    assert!(receiver.try_iter().eq(0..200));
}

#[test]
fn after_the_end_wakes_do_nothing_and_closures_come_back() {
    let (sender, receiver) = channel();
    let remote = {
        let ex = executor();
        drop(spawn(&ex, async move {
            sender.send(my_waker().await).unwrap();
            pend_once().await;
        }));
        ex.run_ready(256);
        let remote = ex.remote();
        assert!(!remote.is_closed());
        remote
    };
    let waker = receiver.recv().unwrap();
    thread::spawn(move || {
        let second = waker.clone();
        waker.wake_by_ref();
        second.wake();
        assert!(remote.is_closed());
        let (sender, receiver) = channel();
        let back = remote.push(Box::new(move || sender.send(()).unwrap())).err().unwrap();
        back();
        receiver.recv().unwrap();
        drop(waker);
    })
    .join()
    .unwrap();
}

#[test]
fn close_inbox_delivers_what_came_before() {
    let ex = executor();
    let remote = ex.remote();
    let (sender, receiver) = channel();
    assert!(remote.push(Box::new(move || sender.send(()).unwrap())).is_ok());
    ex.close_inbox();
    assert_eq!(receiver.try_recv(), Ok(()));
    assert!(remote.push(Box::new(|| ())).is_err());
    assert!(!ex.has_ready());
    ex.close_inbox();
    assert_eq!(ex.run_ready(256), 0);
}

#[test]
fn a_loop_that_refuses_new_work_is_still_woken() {
    let ex = executor();
    let (sender, receiver) = channel();
    let task = spawn(&ex, async move {
        sender.send(my_waker().await).unwrap();
        pend_once().await;
    });
    ex.run_ready(256);
    ex.refuse_new();
    let remote = ex.remote();
    thread::spawn(move || {
        assert!(remote.push(Box::new(|| ())).is_err());
        receiver.recv().unwrap().wake();
    })
    .join()
    .unwrap();
    settle(&ex);
    assert!(task.is_finished());
    assert!(matches!(poll_once(spawn(&ex, async {})), Poll::Ready(Err(_))));
}

#[test]
fn no_push_is_lost_between_close_and_push() {
    for _ in 0..200 {
        let ex = executor();
        let remote = ex.remote();
        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        let dropped = Arc::new(());
        let token = dropped.clone();
        let (sender, receiver) = channel();
        let pusher = thread::spawn(move || {
            theirs.wait();
            let mut accepted = 0;
            for _ in 0..50 {
                let (sender, token) = (sender.clone(), token.clone());
                let closure = move || {
                    sender.send(()).unwrap();
                    drop(token);
                };
                accepted += usize::from(remote.push(Box::new(closure)).is_ok());
            }
            accepted
        });
        barrier.wait();
        ex.run_ready(256);
        ex.close_inbox();
        drop(ex);
        let accepted = pusher.join().unwrap();
        assert_eq!(receiver.try_iter().count(), accepted);
        assert_eq!(Arc::strong_count(&dropped), 1);
    }
}

#[test]
fn futures_and_outputs_die_on_the_loops_thread_whoever_holds_a_waker() {
    let home = thread::current().id();
    let died = Rc::new(RefCell::new(Vec::new()));
    let (sender, receiver) = channel();
    let ex = executor();
    let token = || {
        let died = died.clone();
        on_drop(move || died.borrow_mut().push(thread::current().id()))
    };
    let mut handles = Vec::new();
    for _ in 0..100 {
        let (sender, future, output) = (sender.clone(), token(), token());
        let meta = Meta::here().named(Some("named".into()));
        handles.push(ex.spawn(meta, async move {
            let _future = future;
            sender.send(my_waker().await).unwrap();
            pend_once().await;
            output
        }));
    }
    ex.run_ready(256);
    let wakers: Vec<Waker> = receiver.try_iter().collect();
    assert_eq!(wakers.len(), 100);
    let waking = thread::spawn(move || {
        for waker in wakers {
            waker.wake_by_ref();
            drop(waker.clone());
        }
    });
    handles.truncate(50);
    settle(&ex);
    handles.truncate(20);
    drop(ex);
    handles.clear();
    waking.join().unwrap();
    assert_eq!(died.borrow().len(), 200);
    assert!(died.borrow().iter().all(|id| *id == home));
}
