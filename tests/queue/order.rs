//! What leaves first, and who has it.

use ringio::queue::{LifoQueue, PriorityQueue, Queue, TryGetError, TryPutError};

use super::hand::Hand;
use super::kind::{Item, Kind, each_kind, item};

fn drain<K: Kind>(queue: &K) -> Vec<u32> {
    std::iter::from_fn(|| queue.try_get().ok()).map(|item| item.number).collect()
}

#[test]
fn the_oldest_leaves_first() {
    let queue = Queue::unbounded();
    (0..5).for_each(|number| queue.try_put(item(number)).unwrap());
    assert_eq!(drain(&queue), [0, 1, 2, 3, 4]);
}

#[test]
fn the_newest_leaves_first() {
    let queue = LifoQueue::unbounded();
    (0..5).for_each(|number| queue.try_put(item(number)).unwrap());
    assert_eq!(drain(&queue), [4, 3, 2, 1, 0]);
}

#[test]
fn the_smallest_leaves_first_and_of_equal_ones_the_oldest() {
    for seed in 0..200 {
        let queue = PriorityQueue::unbounded();
        let mut items: Vec<Item> = (0..60_u32)
            .map(|number| Item { key: (number * 7 + seed) * (number ^ seed) % 9, number })
            .collect();
        items.iter().for_each(|item| queue.try_put(*item).unwrap());
        items.sort_by_key(|item| item.key);
        let expected: Vec<u32> = items.iter().map(|item| item.number).collect();
        assert_eq!(drain(&queue), expected);
    }
}

fn a_full_queue_takes_no_more<K: Kind>() {
    for capacity in 0..4 {
        let queue = K::bounded(capacity);
        for number in 0..capacity {
            assert!(!queue.is_full());
            assert_eq!(queue.try_put(item(number as u32)), Ok(()));
            assert_eq!(queue.len(), number + 1);
        }
        assert!(queue.is_full());
        assert_eq!(queue.try_put(item(9)), Err(TryPutError::Full(item(9))));
        assert_eq!(drain(&queue).len(), capacity);
        assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    }
}

#[test]
fn bounded_means_bounded() {
    each_kind!(a_full_queue_takes_no_more);
}

#[test]
fn counts_tell_who_is_there() {
    let queue = Queue::bounded(1);
    assert_eq!((queue.capacity(), queue.is_empty()), (Some(1), true));
    assert_eq!(Queue::<u8>::default().capacity(), None);
    let mut putters = Hand::new();
    for number in 0..3 {
        putters.start(queue.put(number));
    }
    assert_eq!((queue.len(), queue.putters(), queue.getters()), (1, 2, 0));
    let text = format!("{queue:?}");
    assert!(text.starts_with("Queue { len: 1, unfinished: 1, getters: 0, putters: 2"), "{text}");
    while queue.try_get().is_ok() {}
    let mut getters = Hand::new();
    for _ in 0..3 {
        getters.start(queue.get());
    }
    assert_eq!((queue.len(), queue.putters(), queue.getters()), (0, 0, 3));
}

/// An item that a getter was chosen for is not for others, who come later.
fn try_get_does_not_overtake<K: Kind>() {
    let queue = K::bounded(8);
    let mut getters = Hand::new();
    let getter = getters.start(queue.get());
    queue.try_put(item(0)).unwrap();
    assert_eq!((queue.len(), queue.getters()), (0, 0));
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    let late = getters.start(queue.get());
    assert!(getters.is_pending(late));
    getters.run();
    assert_eq!(getters.output(getter), Some(Ok(item(0))));
    assert!(getters.is_pending(late));
}

#[test]
fn nobody_takes_what_a_getter_was_chosen_for() {
    each_kind!(try_get_does_not_overtake);
}

#[test]
fn the_first_item_is_the_getter_s_and_not_that_of_who_tries() {
    let queue = Queue::unbounded();
    let mut getters = Hand::new();
    let (first, second) = (getters.start(queue.get()), getters.start(queue.get()));
    (0..4).for_each(|number| queue.try_put(number).unwrap());
    assert_eq!(queue.try_get(), Ok(2));
    assert_eq!(getters.woken(), [first, second]);
    getters.poll(first);
    assert_eq!(getters.output(first), Some(Ok(0)));
    assert_eq!(queue.try_get(), Ok(3));
    getters.poll(second);
    assert_eq!(getters.output(second), Some(Ok(1)));
}

#[test]
fn a_getter_takes_what_is_best_when_it_runs() {
    let (stack, heap) = (LifoQueue::unbounded(), PriorityQueue::unbounded());
    let mut getters = Hand::new();
    let (last, least) = (getters.start(stack.get()), getters.start(heap.get()));
    for number in [5, 1, 3] {
        stack.try_put(number).unwrap();
        heap.try_put(number).unwrap();
    }
    getters.run();
    assert_eq!(getters.output(last), Some(Ok(3)));
    assert_eq!(getters.output(least), Some(Ok(1)));
}

/// Room goes to who waits for it, in order, and its item enters then.
fn try_put_does_not_overtake<K: Kind>() {
    let queue = K::bounded(1);
    queue.try_put(item(0)).unwrap();
    let mut putters = Hand::new();
    let (first, second) = (putters.start(queue.put(item(1))), putters.start(queue.put(item(2))));
    assert_eq!(queue.try_get(), Ok(item(0)));
    assert_eq!((queue.len(), queue.putters()), (1, 1));
    assert_eq!(queue.try_put(item(9)), Err(TryPutError::Full(item(9))));
    assert_eq!(putters.woken(), [first]);
    assert_eq!(queue.try_get(), Ok(item(1)));
    assert_eq!(putters.woken(), [second]);
    assert_eq!(drain(&queue), [2]);
}

#[test]
fn nobody_overtakes_who_waits_to_put() {
    each_kind!(try_put_does_not_overtake);
}

#[test]
fn putters_enter_in_the_order_in_which_they_came_whatever_they_bring() {
    let queue = PriorityQueue::bounded(2);
    queue.try_put(8).unwrap();
    queue.try_put(9).unwrap();
    let mut putters = Hand::new();
    for key in [7, 1, 5] {
        putters.start(queue.put(key));
    }
    let got: Vec<u32> = std::iter::from_fn(|| queue.try_get().ok()).collect();
    assert_eq!(got, [8, 7, 1, 5, 9]);
}

/// A put ends when somebody takes the item, and not before.
fn a_rendezvous<K: Kind>() {
    let queue = K::bounded(0);
    assert!(queue.is_full());
    let mut putters = Hand::new();
    let putter = putters.start(queue.put(item(1)));
    assert_eq!((queue.len(), queue.putters()), (0, 1));
    putters.run();
    assert!(putters.is_pending(putter));
    assert_eq!(queue.try_get(), Ok(item(1)));
    putters.run();
    assert_eq!((putters.output(putter), putters.polls(putter)), (Some(Ok(())), 2));
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));

    let mut getters = Hand::new();
    let getter = getters.start(queue.get());
    assert!(!queue.is_full());
    assert_eq!(queue.try_put(item(2)), Ok(()));
    assert!(queue.is_full());
    assert_eq!(queue.try_put(item(3)), Err(TryPutError::Full(item(3))));
    getters.run();
    assert_eq!(getters.output(getter), Some(Ok(item(2))));
}

#[test]
fn with_no_room_a_queue_is_a_rendezvous() {
    each_kind!(a_rendezvous);
}

/// The putter is done; the item is the queue's, though it has no room.
fn given_back<K: Kind>() {
    let queue = K::bounded(0);
    let (mut putters, mut getters) = (Hand::new(), Hand::new());
    let getter = getters.start(queue.get());
    let putter = putters.start(queue.put(item(1)));
    assert_eq!(putters.output(putter), Some(Ok(())));
    getters.drop(getter);
    assert_eq!((queue.len(), queue.is_full()), (1, true));
    let putter = putters.start(queue.put(item(2)));
    assert!(putters.is_pending(putter));
    let getter = getters.start(queue.get());
    assert_eq!(getters.output(getter), Some(Ok(item(1))));
    assert!(putters.is_pending(putter));
    assert_eq!(queue.try_get(), Ok(item(2)));
    putters.run();
    assert_eq!(putters.output(putter), Some(Ok(())));
}

#[test]
fn a_put_whose_getter_was_dropped_has_succeeded() {
    each_kind!(given_back);
}
