//! Waiters that are forgotten.

use std::mem::forget;

use ringio::sync::{Condition, Event, Mutex, Notify, RwLock, Semaphore, watch};

use super::by_hand::{Tasks, poll};

/// Forgotten while it waits, it keeps its place, and its memory: what it waits for may move, serve others
/// and go.
#[test]
fn what_is_waited_for_may_move_and_go_though_a_waiter_was_forgotten() {
    fn forget_one<T>(of: &T, wait: impl AsyncFn(&T)) {
        let mut future = Box::pin(wait(of));
        assert!(poll(future.as_mut()).is_pending());
        forget(future);
    }
    let semaphore = Semaphore::new(0);
    forget_one(&semaphore, async |it| it.acquire().await.forget());
    let moved = Box::new(semaphore);
    let mut tasks = Tasks::new();
    tasks.waits(async { moved.acquire().await.forget() });
    tasks.waits(async { moved.acquire().await.forget() });
    moved.release(2).unwrap();
    // The first permit is lost with the one that was forgotten.
    assert_eq!((tasks.ended(), moved.waiters()), (vec![0], 1));
    tasks.drop(1);
    drop(tasks);

    let mutex = Mutex::new(String::from("kept"));
    forget(mutex.try_lock());
    forget_one(&mutex, async |it| drop(it.lock().await));
    let moved = mutex;
    assert_eq!(moved.into_inner(), "kept");

    let event = Event::new();
    forget_one(&event, async |it| it.wait().await);
    let moved = Box::new(event);
    moved.set();
    assert_eq!(moved.waiters(), 0);
    forget_one(&Notify::new(), async |it| it.notified().await);
    let both = (Mutex::new(()), Condition::new());
    forget_one(&both, async |it| drop(it.1.wait(it.0.lock().await).await));
    let moved = Box::new(both);
    moved.1.notify_all();
    assert!(!moved.0.is_locked());

    let lock = RwLock::new(());
    forget(lock.try_read());
    forget_one(&lock, async |it| drop(it.write().await));
    let moved = Box::new(lock);
    assert_eq!(moved.waiters(), 1);
    let (sender, receiver) = watch::channel(0);
    forget_one(&receiver, async |it| it.clone().changed().await.unwrap());
    sender.send(1).unwrap();
    drop((sender, receiver));
}
