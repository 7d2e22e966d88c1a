//! A hundred thousand that wait, and are dropped in any order, half of them when their turn has come.

use std::future::Future;

use ringio::sync::{
    Barrier, BrokenBarrier, Condition, Event, Mutex, Notify, OnceCell, RwLock, Semaphore,
};
use ringio::sync::{broadcast, watch};

use super::by_hand::{Tasks, now};

const MANY: usize = if cfg!(miri) { 100 } else { 100_000 };

/// 0 to n - 1 in an order that looks like none.
fn order(n: usize) -> Vec<usize> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut numbers: Vec<usize> = (0..n).collect();
    for at in (1..n).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        numbers.swap(at, (state % (at as u64 + 1)) as usize);
    }
    numbers
}

fn drop_all<'a, F: Future<Output = ()> + 'a>(
    mut wait: impl FnMut() -> F,
    give_turns: impl FnOnce(),
    waiters: impl Fn() -> usize,
) {
    let mut tasks = Tasks::new();
    for _ in 0..MANY {
        tasks.waits(wait());
    }
    assert_eq!(waiters(), MANY);
    give_turns();
    for number in order(MANY) {
        tasks.drop(number);
    }
    assert_eq!(waiters(), 0);
}

#[test]
fn of_a_mutex() {
    let mutex = Mutex::new(());
    let guard = now(mutex.lock());
    drop_all(async || drop(mutex.lock().await), || drop(guard), || mutex.waiters());
    assert!(!mutex.is_locked());
}

#[test]
fn of_a_semaphore() {
    let semaphore = Semaphore::new(0);
    let wait = async || semaphore.acquire().await.forget();
    let half = MANY / 2;
    drop_all(wait, || semaphore.release(half).unwrap(), || semaphore.waiters());
    assert_eq!(semaphore.available(), half);
}

/// Readers and writers in turn.
#[test]
fn of_a_lock_for_readers_and_writers() {
    let lock = RwLock::new(());
    let guard = now(lock.write());
    let mut nth = 0;
    let wait = || {
        nth += 1;
        let (writes, lock) = (nth % 3 == 0, &lock);
        async move {
            if writes {
                drop(lock.write().await);
            } else {
                drop(lock.read().await);
            }
        }
    };
    drop_all(wait, || drop(guard), || lock.waiters());
    assert!(lock.try_write().is_some());
}

#[test]
fn of_an_event() {
    let event = Event::new();
    drop_all(async || event.wait().await, || (), || event.waiters());
    drop_all(async || event.wait().await, || event.set(), || event.waiters());
}

#[test]
fn of_a_notify() {
    let notify = Notify::new();
    let half = || (0..MANY / 2).for_each(|_| notify.notify_one());
    drop_all(async || notify.notified().await, half, || notify.waiters());
    now(notify.notified());
}

#[test]
fn of_a_condition() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    let wait = async || drop(condition.wait(mutex.lock().await).await);
    drop_all(wait, || condition.notify(MANY / 2), || condition.waiters());
    assert!(!mutex.is_locked());
}

#[test]
fn of_a_barrier() {
    let barrier = Barrier::new(MANY + 1);
    let wait = async || assert_eq!(barrier.wait().await, Err(BrokenBarrier));
    drop_all(wait, || (), || barrier.waiters());
    drop_all(wait, || assert_eq!(now(barrier.wait()), Ok(MANY)), || barrier.waiters());
}

/// Each that is dropped when it was its turn to make the value passes the turn on.
#[test]
fn of_a_cell() {
    let cell = OnceCell::new();
    let mut maker = Tasks::new();
    maker.waits(async { *cell.get_or_init(std::future::pending).await });
    let wait = async || *cell.get_or_init(async || ()).await;
    drop_all(wait, || maker.drop(0), || cell.waiters());
    now(cell.get_or_init(async || ()));
}

#[test]
fn of_channels_that_tell_everybody() {
    let (sender, receiver) = watch::channel(0);
    let wait = || {
        let mut receiver = receiver.clone();
        async move { receiver.changed().await.unwrap() }
    };
    drop_all(wait, || sender.send(1).unwrap(), || sender.waiters());
    assert_eq!(sender.receivers(), 1);

    let (sender, _receiver) = broadcast::channel(1);
    let wait = || {
        let mut receiver = sender.subscribe();
        async move { receiver.recv().await.unwrap() }
    };
    drop_all(wait, || assert_eq!(sender.send(()), Ok(MANY + 1)), || sender.waiters());
    assert_eq!(sender.receivers(), 1);
}
