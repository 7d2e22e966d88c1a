//! Readers together, writers alone, one line for both.

use ringio::sync::RwLock;

use super::by_hand::{Tasks, now};

/// What a task holds when it has ended.
enum Held<'a> {
    Reads { _guard: ringio::sync::ReadGuard<'a, u32> },
    Writes { _guard: ringio::sync::WriteGuard<'a, u32> },
}

async fn read(lock: &RwLock<u32>) -> Held<'_> {
    Held::Reads { _guard: lock.read().await }
}

async fn write(lock: &RwLock<u32>) -> Held<'_> {
    Held::Writes { _guard: lock.write().await }
}

#[test]
fn readers_share_and_a_writer_is_alone() {
    let mut lock = RwLock::new(1);
    {
        let (a, b) = (now(lock.read()), lock.try_read().unwrap());
        assert_eq!((*a, *b, lock.readers()), (1, 1, 2));
        assert!(lock.try_write().is_none());
    }
    {
        let mut guard = now(lock.write());
        *guard = 2;
        assert!(lock.try_read().is_none() && lock.try_write().is_none());
        assert_eq!(lock.readers(), 0);
    }
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 3);
}

/// No stream of readers keeps a writer away, and no stream of writers a reader.
#[test]
fn a_writer_that_waits_is_not_overtaken_by_readers() {
    let lock = RwLock::new(0);
    let first = now(read(&lock));
    let mut tasks = Tasks::new();
    tasks.waits(write(&lock));
    assert!(lock.try_read().is_none());
    tasks.waits(read(&lock));
    tasks.waits(read(&lock));
    tasks.waits(write(&lock));
    tasks.waits(read(&lock));
    assert_eq!(lock.waiters(), 5);
    drop(first);
    // Dropping what has ended unlocks: the writer, both readers, the writer, the reader.
    let mut order = Vec::new();
    loop {
        let ended = tasks.run();
        if ended.is_empty() {
            break;
        }
        order.push(ended.iter().map(|(number, _)| *number).collect::<Vec<_>>());
    }
    assert_eq!(order, [vec![0], vec![1, 2], vec![3], vec![4]]);
}

/// A writer that stood before readers leaves: they join the readers that are there.
#[test]
fn a_writer_that_is_dropped_lets_the_readers_behind_it_go() {
    let lock = RwLock::new(0);
    let _first = now(read(&lock));
    let mut tasks = Tasks::new();
    tasks.waits(write(&lock));
    tasks.waits(read(&lock));
    tasks.waits(read(&lock));
    tasks.drop(0);
    assert_eq!(lock.readers(), 3);
    let ended = tasks.run();
    assert_eq!(ended.len(), 2);
}

/// Of each kind, one that was given the lock and is dropped before it runs gives it back.
#[test]
fn what_was_given_and_not_taken_goes_on() {
    let lock = RwLock::new(0);
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
        let guard = now(lock.write());
        let mut tasks = Tasks::new();
        for writes in [first, second] {
            let lock = &lock;
            tasks.waits(async move { if writes { write(lock).await } else { read(lock).await } });
        }
        drop(guard);
        tasks.drop(0);
        let ended = tasks.run();
        assert_eq!(ended.len(), 1);
        assert!(matches!(ended[0].1, Held::Writes { .. }) == second);
        drop(ended);
        assert!(lock.try_write().is_some());
    }
}
