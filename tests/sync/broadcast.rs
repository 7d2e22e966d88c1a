//! Every value, to everybody who was there.

use std::rc::Rc;

use ringio::sync::broadcast::{self, BroadcastError};

use super::by_hand::{Tasks, now};

#[test]
fn each_receiver_gets_what_was_sent_since_it_is_there() {
    let (sender, mut first) = broadcast::channel(4);
    assert_eq!(sender.send(1), Ok(1));
    let mut second = sender.subscribe();
    assert_eq!(sender.send(2), Ok(2));
    assert_eq!((first.len(), second.len(), sender.receivers()), (2, 1, 2));
    assert_eq!((now(first.recv()), now(first.recv())), (Ok(1), Ok(2)));
    assert_eq!(now(second.recv()), Ok(2));
    assert_eq!((first.try_recv(), second.is_empty()), (Ok(None), true));
}

#[test]
fn a_slow_receiver_loses_the_oldest_and_is_told() {
    let (sender, mut receiver) = broadcast::channel(2);
    for value in 0..5 {
        sender.send(value).unwrap();
    }
    assert_eq!(receiver.len(), 2);
    assert_eq!(now(receiver.recv()), Err(BroadcastError::Lagged(3)));
    assert_eq!((now(receiver.recv()), now(receiver.recv())), (Ok(3), Ok(4)));
}

#[test]
fn without_senders_there_is_what_is_left_and_then_the_end() {
    let (sender, mut receiver) = broadcast::channel(2);
    let other = sender.clone();
    let mut waits = sender.subscribe();
    let mut tasks = Tasks::new();
    tasks.waits(waits.recv());
    assert_eq!(sender.waiters(), 1);
    drop(sender);
    assert_eq!(tasks.run(), []);
    other.send(1).unwrap();
    drop(other);
    assert_eq!(tasks.run(), [(0, Ok(1))]);
    assert_eq!(now(receiver.recv()), Ok(1));
    assert_eq!(now(receiver.recv()), Err(BroadcastError::Closed));
    assert_eq!(receiver.try_recv(), Err(BroadcastError::Closed));
}

#[test]
fn without_receivers_a_value_is_given_back() {
    let (sender, receiver) = broadcast::channel(2);
    drop(receiver);
    assert_eq!(sender.send(1), Err(1));
}

/// A wait that was chosen and dropped has taken nothing.
#[test]
fn a_wait_that_is_dropped_has_taken_nothing() {
    let (sender, mut receiver) = broadcast::channel(2);
    {
        let mut tasks = Tasks::new();
        tasks.waits(receiver.recv());
        sender.send(1).unwrap();
    }
    assert_eq!(now(receiver.recv()), Ok(1));
}

/// The last one who gets a value gets it itself, and nothing of it stays behind; nor of one that a
/// receiver which went had yet to get.
#[test]
fn a_value_goes_when_everybody_had_it() {
    let value = Rc::new(());
    let (sender, mut first) = broadcast::channel(4);
    let second = sender.subscribe();
    for _ in 0..2 {
        sender.send(value.clone()).unwrap();
    }
    assert_eq!(Rc::strong_count(&value), 3);
    drop(now(first.recv()));
    assert_eq!(Rc::strong_count(&value), 3);
    drop(second);
    assert_eq!(Rc::strong_count(&value), 2);
    drop(now(first.recv()));
    assert_eq!(Rc::strong_count(&value), 1);
}
