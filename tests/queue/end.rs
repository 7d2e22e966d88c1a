//! Shutdown in both modes, and what is left to do.

use std::rc::Rc;

use ringio::queue::{GetError, PutError, Shutdown, TooManyDone, TryGetError, TryPutError};

use super::hand::Hand;
use super::kind::{Kind, each_kind, item};

fn drained<K: Kind>() {
    for capacity in 0..=2 {
        let queue = K::bounded(capacity);
        let (mut putters, mut getters) = (Hand::new(), Hand::new());
        (0..capacity).for_each(|_| queue.try_put(item(0)).unwrap());
        let putter = putters.start(queue.put(item(7)));
        queue.shutdown(Shutdown::Drain);
        putters.run();
        assert_eq!(putters.output(putter), Some(Err(PutError(item(7)))));
        let late = putters.start(queue.put(item(8)));
        assert_eq!(putters.output(late), Some(Err(PutError(item(8)))));
        assert_eq!(queue.try_put(item(9)), Err(TryPutError::ShutDown(item(9))));
        assert_eq!(queue.len(), capacity);
        for _ in 0..capacity {
            let getter = getters.start(queue.get());
            assert_eq!(getters.output(getter), Some(Ok(item(0))));
        }
        let getter = getters.start(queue.get());
        assert_eq!(getters.output(getter), Some(Err(GetError)));
        assert_eq!(queue.try_get(), Err(TryGetError::ShutDown));
    }
}

#[test]
fn drain_gives_putters_their_items_back_and_getters_what_is_left() {
    each_kind!(drained);
}

fn now<K: Kind>() {
    for capacity in 0..=2 {
        let queue = K::bounded(capacity);
        let mut putters = Hand::new();
        (0..capacity).for_each(|_| queue.try_put(item(0)).unwrap());
        let putter = putters.start(queue.put(item(7)));
        queue.shutdown(Shutdown::Now);
        putters.run();
        assert_eq!(putters.output(putter), Some(Err(PutError(item(7)))));
        assert_eq!((queue.len(), queue.try_get()), (0, Err(TryGetError::ShutDown)));
    }
}

#[test]
fn now_drops_what_is_in_it() {
    each_kind!(now);
}

fn waiting_getters<K: Kind>() {
    for how in [Shutdown::Drain, Shutdown::Now] {
        let queue = K::bounded(1);
        let mut getters = Hand::new();
        let numbers: Vec<usize> = (0..3).map(|_| getters.start(queue.get())).collect();
        queue.shutdown(how);
        assert_eq!(getters.woken(), numbers);
        for number in numbers {
            getters.poll(number);
            assert_eq!(getters.output(number), Some(Err(GetError)));
        }
        assert_eq!(queue.getters(), 0);
    }
}

#[test]
fn getters_hear_of_the_end() {
    each_kind!(waiting_getters);
}

/// What a getter was chosen for counts as an item of the queue.
fn chosen_getters<K: Kind>() {
    for how in [Shutdown::Drain, Shutdown::Now] {
        let queue = K::bounded(1);
        let mut getters = Hand::new();
        let (first, second) = (getters.start(queue.get()), getters.start(queue.get()));
        queue.try_put(item(1)).unwrap();
        queue.shutdown(how);
        getters.run();
        let expected = if how == Shutdown::Drain { Ok(item(1)) } else { Err(GetError) };
        assert_eq!(getters.output(first), Some(expected));
        assert_eq!(getters.output(second), Some(Err(GetError)));
    }
}

#[test]
fn drain_leaves_a_chosen_getter_its_item_and_now_does_not() {
    each_kind!(chosen_getters);
}

/// The second is told of the end before the first leaves, and has its item nonetheless.
fn passed_on_behind_the_end<K: Kind>() {
    let queue = K::bounded(1);
    let mut getters = Hand::new();
    let (first, second) = (getters.start(queue.get()), getters.start(queue.get()));
    queue.try_put(item(1)).unwrap();
    queue.shutdown(Shutdown::Drain);
    getters.drop(first);
    getters.run();
    assert_eq!(getters.output(second), Some(Ok(item(1))));
}

#[test]
fn a_turn_is_passed_on_behind_a_drain() {
    each_kind!(passed_on_behind_the_end);
}

/// The chosen one leaves when its item has gone already.
fn left_behind_the_end<K: Kind>() {
    let queue = K::bounded(1);
    let mut getters = Hand::new();
    let getter = getters.start(queue.get());
    queue.try_put(item(1)).unwrap();
    queue.shutdown(Shutdown::Now);
    getters.drop(getter);
    assert_eq!((queue.len(), queue.try_get()), (0, Err(TryGetError::ShutDown)));
}

#[test]
fn nobody_leaves_an_item_behind_that_has_gone() {
    each_kind!(left_behind_the_end);
}

/// The putter was chosen before the end, so that its item is in.
fn chosen_putters<K: Kind>() {
    let queue = K::bounded(1);
    queue.try_put(item(0)).unwrap();
    let mut putters = Hand::new();
    let (first, second) = (putters.start(queue.put(item(1))), putters.start(queue.put(item(2))));
    assert_eq!(queue.try_get(), Ok(item(0)));
    queue.shutdown(Shutdown::Drain);
    putters.run();
    assert_eq!(putters.output(first), Some(Ok(())));
    assert_eq!(putters.output(second), Some(Err(PutError(item(2)))));
    assert_eq!(queue.try_get(), Ok(item(1)));
    assert_eq!(queue.try_get(), Err(TryGetError::ShutDown));
}

#[test]
fn a_putter_that_was_chosen_has_put() {
    each_kind!(chosen_putters);
}

fn twice<K: Kind>() {
    use Shutdown::{Drain, Now};
    for (first, second) in [(Drain, Drain), (Drain, Now), (Now, Drain), (Now, Now)] {
        let queue = K::bounded(3);
        (0..2).for_each(|number| queue.try_put(item(number)).unwrap());
        queue.shutdown(first);
        queue.shutdown(second);
        let left = if (first, second) == (Drain, Drain) { 2 } else { 0 };
        assert_eq!(queue.len(), left);
        let got = std::iter::from_fn(|| queue.try_get().ok()).count();
        assert_eq!((got, queue.try_get()), (left, Err(TryGetError::ShutDown)));
    }
}

#[test]
fn it_may_be_shut_down_again() {
    each_kind!(twice);
}

fn done<K: Kind>() {
    let queue = K::bounded(9);
    assert_eq!(queue.task_done(), Err(TooManyDone));
    let mut joiners = Hand::new();
    let none = joiners.start(queue.join());
    assert_eq!(joiners.output(none), Some(()));
    queue.try_put(item(0)).unwrap();
    queue.try_put(item(1)).unwrap();
    let numbers: Vec<usize> = (0..3).map(|_| joiners.start(queue.join())).collect();
    while queue.try_get().is_ok() {}
    assert_eq!(queue.task_done(), Ok(()));
    joiners.run();
    assert!(numbers.iter().all(|number| joiners.is_pending(*number)));
    assert_eq!(queue.task_done(), Ok(()));
    // What is put behind that concerns later joiners alone.
    queue.try_put(item(2)).unwrap();
    joiners.run();
    assert!(numbers.iter().all(|number| joiners.output(*number) == Some(())));
    let late = joiners.start(queue.join());
    assert!(joiners.is_pending(late));
    assert_eq!((queue.task_done(), queue.task_done()), (Ok(()), Err(TooManyDone)));
    joiners.run();
    assert_eq!(joiners.output(late), Some(()));
}

#[test]
fn join_ends_when_as_many_are_done_as_were_put() {
    each_kind!(done);
}

/// Also what is put by waiting, or from hand to hand.
fn counted<K: Kind>() {
    for capacity in 0..=1 {
        let queue = K::bounded(capacity);
        let mut putters = Hand::new();
        for number in 0..3 {
            putters.start(queue.put(item(number)));
        }
        for _ in 0..3 {
            queue.try_get().unwrap();
        }
        (0..3).for_each(|_| assert_eq!(queue.task_done(), Ok(())));
        assert_eq!(queue.task_done(), Err(TooManyDone));
    }
}

#[test]
fn every_way_in_counts() {
    each_kind!(counted);
}

fn dropped_counts<K: Kind>() {
    for got in 0..=3 {
        let queue = K::bounded(3);
        (0..3).for_each(|number| queue.try_put(item(number)).unwrap());
        let mut joiners = Hand::new();
        let joiner = joiners.start(queue.join());
        for _ in 0..got {
            queue.try_get().unwrap();
        }
        queue.shutdown(Shutdown::Now);
        joiners.run();
        assert_eq!(joiners.is_pending(joiner), got > 0);
        for left in (0..got).rev() {
            assert_eq!(queue.task_done(), Ok(()));
            joiners.run();
            assert_eq!(joiners.is_pending(joiner), left > 0);
        }
        assert_eq!(queue.task_done(), Err(TooManyDone));
    }
}

#[test]
fn what_is_dropped_counts_as_done() {
    each_kind!(dropped_counts);
}

/// Somebody has reported items that nobody had got yet.
fn reported_early<K: Kind>() {
    let queue = K::bounded(3);
    (0..3).for_each(|number| queue.try_put(item(number)).unwrap());
    (0..2).for_each(|_| queue.task_done().unwrap());
    queue.shutdown(Shutdown::Now);
    assert_eq!(queue.task_done(), Err(TooManyDone));
}

#[test]
fn fewer_are_unfinished_than_are_dropped() {
    each_kind!(reported_early);
}

#[test]
fn every_item_is_dropped_once() {
    let counter = Rc::new(());
    let queue = ringio::queue::Queue::bounded(2);
    (0..2).for_each(|_| queue.try_put(counter.clone()).unwrap());
    let mut putters = Hand::new();
    for _ in 0..2 {
        putters.start(queue.put(counter.clone()));
    }
    assert_eq!(Rc::strong_count(&counter), 5);
    putters.drop(1);
    assert_eq!(Rc::strong_count(&counter), 4);
    queue.shutdown(Shutdown::Now);
    assert_eq!(Rc::strong_count(&counter), 2);
    putters.run();
    assert!(matches!(putters.output(0), Some(Err(PutError(_)))));
    assert_eq!(Rc::strong_count(&counter), 1);
}
