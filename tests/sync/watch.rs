//! The latest value.

use ringio::sync::{RecvError, watch};

use super::by_hand::{Tasks, now};

#[test]
fn a_receiver_hears_of_what_it_has_not_seen_and_sees_the_latest() {
    let (sender, mut receiver) = watch::channel(0);
    let mut late = receiver.clone();
    assert!(!receiver.has_changed());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert!(receiver.has_changed());
    now(receiver.changed()).unwrap();
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (2, false));
    let mut tasks = Tasks::new();
    tasks.waits(receiver.changed());
    assert_eq!(sender.waiters(), 1);
    assert_eq!(sender.send_replace(3), 2);
    assert_eq!(tasks.run(), [(0, Ok(()))]);
    assert_eq!(*late.borrow_and_update(), 3);
    assert!(!late.has_changed());
    assert!(!sender.subscribe().has_changed());
}

/// Chosen and dropped, it has seen nothing yet.
#[test]
fn a_wait_that_is_dropped_has_seen_nothing() {
    let (sender, mut receiver) = watch::channel(0);
    {
        let mut tasks = Tasks::new();
        tasks.waits(receiver.changed());
        sender.send(1).unwrap();
    }
    assert!(receiver.has_changed());
    now(receiver.changed()).unwrap();
}

#[test]
fn without_a_sender_there_is_the_last_value_and_then_an_error() {
    let (sender, mut receiver) = watch::channel(0);
    let mut other = receiver.clone();
    let mut tasks = Tasks::new();
    tasks.waits(other.changed());
    sender.send(1).unwrap();
    drop(sender);
    assert_eq!(now(receiver.changed()), Ok(()));
    assert_eq!(now(receiver.changed()), Err(RecvError));
    assert_eq!(*receiver.borrow(), 1);
    assert_eq!(tasks.run(), [(0, Ok(()))]);
    drop(tasks);
    assert_eq!(now(other.changed()), Err(RecvError));
}

#[test]
fn without_a_receiver_a_value_is_given_back() {
    let (sender, receiver) = watch::channel(0);
    let mut tasks = Tasks::new();
    tasks.waits(sender.closed());
    let other = receiver.clone();
    drop(receiver);
    assert_eq!((tasks.ended(), sender.receivers()), (vec![], 1));
    drop(other);
    assert_eq!(tasks.ended(), [0]);
    assert_eq!((sender.send(1), *sender.borrow()), (Err(1), 0));
}

#[test]
fn one_may_wait_for_a_certain_value() {
    let (sender, mut receiver) = watch::channel(0);
    let mut tasks = Tasks::new();
    tasks.waits(async { receiver.wait_for(|value| *value == 2).await.map(|value| *value) });
    sender.send(1).unwrap();
    assert_eq!(tasks.run(), []);
    sender.send_modify(|value| *value += 1);
    assert_eq!(tasks.run(), [(0, Ok(2))]);
}
