//! asyncio's sentences about `Semaphore` and `BoundedSemaphore`, and requests for many.

use ringio::sync::Semaphore;

use super::by_hand::{Tasks, now};

#[test]
fn permits_are_taken_and_given_back() {
    let semaphore = Semaphore::new(2);
    let permit = now(semaphore.acquire());
    let other = semaphore.try_acquire().unwrap();
    assert!(semaphore.is_locked() && semaphore.try_acquire().is_none());
    assert_eq!((semaphore.available(), permit.count()), (0, 1));
    drop((permit, other));
    assert_eq!((semaphore.available(), semaphore.is_locked()), (2, false));
}

/// A permit goes to the waiter at the release: no newcomer can have it.
#[test]
fn nobody_overtakes_though_there_is_a_permit() {
    let semaphore = Semaphore::new(0);
    let mut tasks = Tasks::new();
    tasks.waits(semaphore.acquire_many(2));
    semaphore.release(1).unwrap();
    assert_eq!((semaphore.available(), semaphore.is_locked()), (1, true));
    assert!(semaphore.try_acquire().is_none());
    tasks.waits(semaphore.acquire_many(1));
    assert_eq!((tasks.woken(), semaphore.waiters()), (vec![], 2));
    semaphore.release(1).unwrap();
    assert_eq!((semaphore.available(), semaphore.waiters()), (0, 1));
    assert!(semaphore.try_acquire().is_none());
    assert_eq!(tasks.woken(), [0]);
}

#[test]
fn one_that_was_given_a_permit_and_is_dropped_gives_it_to_the_next() {
    let semaphore = Semaphore::new(0);
    let mut tasks = Tasks::new();
    for _ in 0..3 {
        tasks.waits(async { semaphore.acquire().await.forget() });
    }
    semaphore.release(1).unwrap();
    tasks.drop(0);
    assert_eq!(tasks.ended(), [1]);
    tasks.drop(2);
    assert_eq!((semaphore.available(), semaphore.waiters()), (0, 0));
}

/// The big one at the head keeps those behind it waiting; when it goes, they get what there is.
#[test]
fn one_that_wants_many_and_is_dropped_lets_those_behind_it_go() {
    let semaphore = Semaphore::new(2);
    let mut tasks = Tasks::new();
    tasks.waits(async { semaphore.acquire_many(3).await.forget() });
    for _ in 0..3 {
        tasks.waits(async { semaphore.acquire().await.forget() });
    }
    assert_eq!(tasks.ended(), []);
    tasks.drop(0);
    assert_eq!(tasks.ended(), [1, 2]);
    assert_eq!((semaphore.available(), semaphore.waiters()), (0, 1));
}

#[test]
fn what_one_gives_back_goes_as_far_as_it_reaches() {
    let semaphore = Semaphore::new(4);
    let permit = now(semaphore.acquire_many(4));
    let mut tasks = Tasks::new();
    for wanted in [1, 2, 2, 0] {
        let semaphore = &semaphore;
        tasks.waits(async move { semaphore.acquire_many(wanted).await.forget() });
    }
    drop(permit);
    assert_eq!(tasks.ended(), [0, 1]);
    assert_eq!(semaphore.available(), 1);
    semaphore.release(1).unwrap();
    assert_eq!(tasks.ended(), [2, 3]);
}

#[test]
fn a_bounded_one_refuses_more_than_it_began_with_and_says_why() {
    let semaphore = Semaphore::bounded(3);
    let permit = now(semaphore.acquire_many(2));
    assert_eq!(semaphore.release(2), Ok(()));
    let error = semaphore.release(1).unwrap_err();
    assert_eq!(error.to_string(), "released 1 to a semaphore that has 3 of at most 3 permits");
    // What was released by hand counts: the permit brings no more.
    drop(permit);
    assert_eq!(semaphore.available(), 3);
}

#[test]
fn more_than_can_be_counted_is_refused_and_changes_nothing() {
    let semaphore = Semaphore::new(2);
    assert!(semaphore.release(usize::MAX - 1).is_err());
    assert_eq!(semaphore.available(), 2);
    assert_eq!(semaphore.release(usize::MAX - 2), Ok(()));
    let permit = semaphore.try_acquire().unwrap();
    semaphore.release(1).unwrap();
    drop(permit);
    assert_eq!(semaphore.available(), usize::MAX);
}

#[test]
fn what_is_refused_gives_nothing_back() {
    let semaphore = Semaphore::new(1);
    assert!(semaphore.try_acquire_many(2).is_none());
    assert_eq!(semaphore.available(), 1);
}
