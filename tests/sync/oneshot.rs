//! One value: sent, refused, or never.

use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use ringio::sync::{RecvError, oneshot};

use super::by_hand::{Tasks, poll};

/// Sent or dropped, before or after the first poll.
#[test]
fn what_is_sent_arrives_and_what_is_not_is_an_error() {
    for sends in [true, false] {
        for polled in [true, false] {
            let (sender, receiver) = oneshot::channel();
            let mut tasks = Tasks::new();
            let number = tasks.add(receiver);
            if polled {
                assert!(tasks.poll(number).is_pending());
            }
            if sends {
                assert_eq!(sender.send(5), Ok(()));
            } else {
                drop(sender);
            }
            let value = if sends { Ok(5) } else { Err(RecvError) };
            if polled {
                assert_eq!(tasks.run(), [(number, value)]);
            } else {
                assert_eq!(tasks.poll(number), Poll::Ready(value));
            }
        }
    }
}

#[test]
fn a_value_that_nobody_takes_is_given_back() {
    let (sender, receiver) = oneshot::channel();
    assert!(!sender.is_closed());
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send("kept"), Err("kept"));
}

#[test]
fn a_closed_one_gives_what_was_sent_before() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(poll(Pin::new(&mut receiver)), Poll::Ready(Ok(1)));
    assert_eq!(poll(Pin::new(&mut receiver)), Poll::Ready(Err(RecvError)));
    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(RecvError));
    assert_eq!(sender.send(1), Err(1));
}

#[test]
fn who_waits_for_the_receiver_s_end_hears_of_it() {
    let (sender, receiver) = oneshot::channel::<()>();
    let mut tasks = Tasks::new();
    for _ in 0..3 {
        tasks.waits(sender.closed());
    }
    assert_eq!(sender.waiters(), 3);
    tasks.drop(1);
    drop(receiver);
    assert_eq!(tasks.ended(), [0, 2]);
}

#[test]
fn a_receiver_may_be_polled_by_reference_and_moved() {
    let (sender, mut receiver) = oneshot::channel();
    assert!(poll(Pin::new(&mut receiver)).is_pending());
    let mut moved = Box::new(receiver);
    assert!(poll(Pin::new(&mut *moved)).is_pending());
    sender.send(2).unwrap();
    assert_eq!(poll(Pin::new(&mut *moved)), Poll::Ready(Ok(2)));
}

#[test]
fn the_last_waker_is_woken() {
    let (sender, receiver) = oneshot::channel();
    let mut tasks = Tasks::new();
    let number = tasks.add(receiver);
    assert!(tasks.poll_with(number, std::task::Waker::noop()).is_pending());
    assert!(tasks.poll(number).is_pending());
    sender.send(()).unwrap();
    assert_eq!(tasks.woken(), [number]);
}

/// Only one waits. What it was sent and did not take is given back, or goes with it.
#[test]
fn for_a_receiver_that_is_dropped_before_and_after() {
    for dropped in [None, Some(false), Some(true)] {
        let (sender, receiver) = oneshot::channel();
        let mut tasks = Tasks::new();
        tasks.waits(receiver);
        if dropped == Some(false) {
            tasks.drop(0);
        }
        let value = Rc::new(());
        assert_eq!(sender.send(value.clone()).is_ok(), dropped != Some(false));
        if dropped == Some(true) {
            tasks.drop(0);
        }
        let got = tasks.run().into_iter().filter(|(_, value)| value.is_ok()).count();
        assert_eq!(got, usize::from(dropped.is_none()));
        assert_eq!(Rc::strong_count(&value), 1);
        assert_eq!(tasks.polls, [if dropped.is_none() { 2 } else { 1 }]);
    }
}
