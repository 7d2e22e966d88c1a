//! asyncio's sentences about `Condition`.

use ringio::sync::{Condition, Mutex};

use super::by_hand::{Tasks, now};

#[test]
fn waiting_unlocks_and_always_locks_again() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut tasks = Tasks::new();
    tasks.waits(async {
        let guard = condition.wait(mutex.lock().await).await;
        assert!(mutex.is_locked());
        *guard
    });
    assert_eq!((mutex.is_locked(), condition.waiters()), (false, 1));
    *now(mutex.lock()) = 5;
    condition.notify(1);
    assert_eq!(tasks.run(), [(0, 5)]);
    assert!(!mutex.is_locked());
}

/// Notified with the lock held, they go on when it is released, in order, one after the other.
#[test]
fn the_notified_return_after_the_notifier_has_unlocked_in_order() {
    let (mutex, condition) = (Mutex::new(Vec::new()), Condition::new());
    let mut tasks = Tasks::new();
    for number in 0..4 {
        let (mutex, condition) = (&mutex, &condition);
        tasks.waits(async move { condition.wait(mutex.lock().await).await.push(number) });
    }
    let guard = now(mutex.lock());
    condition.notify(3);
    assert_eq!(tasks.ended(), []);
    assert_eq!((condition.waiters(), mutex.waiters()), (1, 3));
    drop(guard);
    assert_eq!(tasks.ended(), [0, 1, 2]);
    assert_eq!(*now(mutex.lock()), [0, 1, 2]);
    condition.notify_all();
    assert_eq!(tasks.ended(), [3]);
}

#[test]
fn a_notification_of_nobody_is_not_kept() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    condition.notify(1);
    condition.notify_all();
    let mut tasks = Tasks::new();
    tasks.waits(async { drop(condition.wait(mutex.lock().await).await) });
    assert_eq!(tasks.ended(), []);
}

#[test]
fn a_predicate_that_is_true_returns_at_once_with_the_lock() {
    let (mutex, condition) = (Mutex::new(1), Condition::new());
    let guard = now(condition.wait_while(now(mutex.lock()), |value| *value == 0));
    assert_eq!((*guard, mutex.is_locked()), (1, true));
}

#[test]
fn a_predicate_is_asked_with_the_lock_after_each_notification() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut tasks = Tasks::new();
    let mut asked = 0;
    tasks.waits(async {
        let blocks = |value: &mut i32| {
            assert!(mutex.is_locked());
            asked += 1;
            *value < 2
        };
        *condition.wait_while(mutex.lock().await, blocks).await
    });
    for _ in 0..2 {
        *now(mutex.lock()) += 1;
        condition.notify(1);
        let ended = tasks.run();
        assert_eq!(ended.is_empty(), mutex.try_lock().is_some_and(|value| *value < 2));
    }
    drop(tasks);
    assert_eq!(asked, 3);
}

/// Chosen, woken, and dropped while it stands in line for the lock: another is notified.
#[test]
fn one_that_is_dropped_while_it_locks_again_passes_its_notification_on() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    for given_the_lock in [false, true] {
        let mut tasks = Tasks::new();
        for _ in 0..2 {
            tasks.waits(async { drop(condition.wait(mutex.lock().await).await) });
        }
        let guard = now(mutex.lock());
        condition.notify(1);
        assert_eq!(tasks.ended(), []);
        assert_eq!((condition.waiters(), mutex.waiters()), (1, 1));
        if given_the_lock {
            drop(guard);
            tasks.drop(0);
            assert_eq!(tasks.ended(), [1]);
        } else {
            tasks.drop(0);
            assert_eq!((condition.waiters(), tasks.ended()), (0, vec![]));
            drop(guard);
            assert_eq!(tasks.ended(), [1]);
        }
        assert!(!mutex.is_locked());
    }
}

/// Of all that were notified one that is dropped takes nothing from the others, nor from those who come.
#[test]
fn what_was_for_all_is_not_passed_on() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    let mut tasks = Tasks::new();
    tasks.waits(async { drop(condition.wait(mutex.lock().await).await) });
    condition.notify_all();
    tasks.waits(async { drop(condition.wait(mutex.lock().await).await) });
    tasks.drop(0);
    assert_eq!((tasks.ended(), condition.waiters()), (vec![], 1));
}

#[test]
fn one_that_is_dropped_before_its_first_poll_has_unlocked() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    drop(condition.wait(now(mutex.lock())));
    assert!(!mutex.is_locked());
}

/// Who unlocks by waiting is in line already when the next one has the lock.
#[test]
fn no_notification_of_who_locks_next_is_missed() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    let mut tasks = Tasks::new();
    let wait = tasks.add(async { drop(condition.wait(mutex.lock().await).await) });
    let guard = now(mutex.lock());
    assert!(tasks.poll(wait).is_pending());
    let notifier = tasks.waits(async {
        let _guard = mutex.lock().await;
        condition.notify(1);
    });
    drop(guard);
    assert_eq!(tasks.ended(), [notifier, wait]);
}
