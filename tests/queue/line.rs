//! Every small number of waiters, every one of them that leaves, before or after it was chosen, and every
//! number of turns: nobody is lost, nobody overtakes, nothing hangs, nobody is polled in vain.

use std::mem::forget;

use ringio::queue::{PriorityQueue, Queue, TryGetError};

use super::hand::Hand;
use super::kind::{Item, Kind, Order, each_kind, item};

#[derive(Clone, Copy, PartialEq)]
enum Leaves {
    Never,
    Before,
    After,
}

/// `n`, the leaver and when, `m`.
fn cases() -> impl Iterator<Item = (usize, usize, Leaves, usize)> {
    (0..=5).flat_map(|n| {
        (0..=n + 2).flat_map(move |m| {
            let stay = [(n, 0, Leaves::Never, m)].into_iter();
            stay.chain(
                (0..n)
                    .flat_map(move |k| [Leaves::Before, Leaves::After].map(|when| (n, k, when, m))),
            )
        })
    })
}

/// Items 0 to m - 1, in the order in which they leave once all are in.
fn leaving<K: Kind>(items: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut items: Vec<u32> = items.collect();
    if K::ORDER == Order::Newest {
        items.reverse();
    }
    items
}

/// n getters wait, one leaves, m items are put.
fn getters<K: Kind>() {
    for (n, k, when, m) in cases() {
        for capacity in [0, 1, usize::MAX] {
            let queue = K::bounded(capacity);
            let mut hand = Hand::new();
            for _ in 0..n {
                hand.start(queue.get());
            }
            assert_eq!((queue.getters(), hand.woken().len()), (n, 0));
            if when == Leaves::Before {
                hand.drop(k);
            }
            let mut put: u32 = 0;
            while (put as usize) < m && queue.try_put(item(put)).is_ok() {
                put += 1;
            }
            let waiting = n - usize::from(when == Leaves::Before);
            assert_eq!(put as usize, m.min(waiting.saturating_add(capacity)));
            if when == Leaves::After {
                hand.drop(k);
            }
            hand.run();
            let staying = (0..n).filter(|number| when == Leaves::Never || *number != k);
            let staying: Vec<usize> = staying.collect();
            let mut items = leaving::<K>(0..put).into_iter();
            for number in &staying {
                match items.next() {
                    Some(number_of_item) => {
                        assert_eq!(hand.output(*number), Some(Ok(item(number_of_item))));
                        assert_eq!(hand.polls(*number), 2);
                    }
                    None => {
                        assert!(hand.is_pending(*number));
                        assert_eq!(hand.polls(*number), 1);
                    }
                }
            }
            assert_eq!(queue.len(), (put as usize).saturating_sub(staying.len()));
            assert_eq!(queue.getters(), staying.len().saturating_sub(put as usize));
            let rest: Vec<u32> =
                std::iter::from_fn(|| queue.try_get().ok()).map(|item| item.number).collect();
            assert_eq!(rest, items.collect::<Vec<_>>());
        }
    }
}

#[test]
fn getters_that_leave() {
    each_kind!(getters);
}

/// n putters wait behind a full queue, one leaves, m items are taken.
fn putters<K: Kind>() {
    for (n, k, when, m) in cases() {
        for capacity in 0..=2 {
            let queue = K::bounded(capacity);
            let mut hand = Hand::new();
            (0..capacity).for_each(|_| queue.try_put(item(99)).unwrap());
            for number in 0..n {
                hand.start(queue.put(item(number as u32)));
            }
            assert_eq!((queue.putters(), hand.woken().len()), (n, 0));
            if when == Leaves::Before {
                hand.drop(k);
            }
            let mut got: Vec<u32> =
                (0..m).map_while(|_| queue.try_get().ok()).map(number).collect();
            let entered = got.len().min(n - usize::from(when == Leaves::Before));
            if when == Leaves::After {
                hand.drop(k);
            }
            hand.run();
            // Those who came in, in their order.
            let come: Vec<usize> =
                (0..n).filter(|number| when != Leaves::Before || *number != k).collect();
            for (place, number) in come.iter().enumerate() {
                let left = when == Leaves::After && *number == k;
                if place < entered {
                    let expected = if left { None } else { Some(Ok(())) };
                    assert_eq!(hand.output(*number), expected);
                    assert_eq!(hand.polls(*number), 2 - usize::from(left));
                } else if !left {
                    assert!(hand.is_pending(*number));
                    assert_eq!(hand.polls(*number), 1);
                }
            }
            let stay: Vec<usize> = come
                .iter()
                .enumerate()
                .filter(|(place, number)| {
                    *place < entered || when != Leaves::After || **number != k
                })
                .map(|(_, number)| *number)
                .collect();
            got.extend(std::iter::from_fn(|| queue.try_get().ok()).map(number));
            hand.run();
            let mut of_putters: Vec<u32> =
                got.iter().copied().filter(|number| *number != 99).collect();
            assert_eq!(got.len() - of_putters.len(), capacity);
            if K::ORDER == Order::Newest {
                of_putters.sort_unstable();
            }
            assert_eq!(of_putters, stay.iter().map(|number| *number as u32).collect::<Vec<_>>());
            (0..n).for_each(|number| assert!(!hand.is_pending(number)));
        }
    }
}

fn number(item: Item) -> u32 {
    item.number
}

#[test]
fn putters_that_leave() {
    each_kind!(putters);
}

/// n wait for the end of all work, one leaves; the last of m items is done.
fn joiners<K: Kind>() {
    for (n, k, when, m) in cases() {
        let queue = K::bounded(usize::MAX);
        let mut hand = Hand::new();
        (0..m).for_each(|number| queue.try_put(item(number as u32)).unwrap());
        for _ in 0..n {
            hand.start(queue.join());
        }
        if when == Leaves::Before {
            hand.drop(k);
        }
        for _ in 0..m {
            hand.run();
            let there = (0..n).filter(|number| when != Leaves::Before || *number != k);
            there.for_each(|number| assert_eq!(hand.is_pending(number), m > 0));
            queue.task_done().unwrap();
        }
        if when == Leaves::After {
            hand.drop(k);
        }
        hand.run();
        for number in (0..n).filter(|number| when == Leaves::Never || *number != k) {
            assert_eq!((hand.output(number), hand.polls(number)), (Some(()), 1 + m.min(1)));
        }
        assert!(queue.task_done().is_err());
    }
}

#[test]
fn joiners_that_leave() {
    each_kind!(joiners);
}

/// All pairs of getters that leave, one after the other, when all have been chosen.
#[test]
fn a_turn_is_passed_on_again_and_again() {
    for (first, second) in (0..4).flat_map(|one| (0..4).map(move |other| (one, other))) {
        let queue = Queue::bounded(0);
        let mut hand = Hand::new();
        for _ in 0..4 {
            hand.start(queue.get());
        }
        (0..2).for_each(|number| queue.try_put(number).unwrap());
        hand.drop(first);
        hand.drop(second);
        hand.run();
        let mut items = 0..2;
        for number in (0..4).filter(|number| *number != first && *number != second) {
            assert_eq!(hand.output(number), items.next().map(Ok));
        }
    }
}

/// 0 to n - 1 in an order that looks like none.
fn shuffled(n: usize) -> Vec<usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut numbers: Vec<usize> = (0..n).collect();
    for at in (1..n).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        numbers.swap(at, (state % (at as u64 + 1)) as usize);
    }
    numbers
}

const MANY: usize = if cfg!(miri) { 1_000 } else { 100_000 };

#[test]
fn a_hundred_thousand_getters_leave_in_any_order() {
    let queue = PriorityQueue::unbounded();
    let mut hand = Hand::new();
    for _ in 0..MANY {
        hand.start(queue.get());
    }
    // Half of them are chosen, and their items stay for the others.
    (0..MANY / 2).for_each(|number| queue.try_put(number).unwrap());
    let order = shuffled(MANY);
    order[..MANY - 10].iter().for_each(|number| hand.drop(*number));
    hand.run();
    let mut stayed = order[MANY - 10..].to_vec();
    stayed.sort_unstable();
    let outputs: Vec<_> = stayed.iter().map(|number| hand.output(*number)).collect();
    let got = outputs.iter().flatten().flatten().count();
    assert_eq!((got, queue.getters(), queue.len()), (10, 0, MANY / 2 - 10));
    let mut left: Vec<usize> = outputs.into_iter().flatten().map(Result::unwrap).collect();
    left.extend(std::iter::from_fn(|| queue.try_get().ok()));
    left.sort_unstable();
    assert_eq!(left, (0..MANY / 2).collect::<Vec<_>>());
}

#[test]
fn a_hundred_thousand_putters_leave_in_any_order() {
    let queue = Queue::bounded(0);
    let mut hand = Hand::new();
    for number in 0..MANY {
        hand.start(queue.put(number));
    }
    let order = shuffled(MANY);
    order[..MANY - 10].iter().for_each(|number| hand.drop(*number));
    assert_eq!(queue.putters(), 10);
    let mut stayed = order[MANY - 10..].to_vec();
    stayed.sort_unstable();
    let got: Vec<usize> = std::iter::from_fn(|| queue.try_get().ok()).collect();
    assert_eq!(got, stayed);
    hand.run();
    stayed.iter().for_each(|number| assert_eq!(hand.output(*number), Some(Ok(()))));
}

/// A forgotten waiter keeps its place; whatever it has is lost, and nothing is touched that is gone.
#[test]
fn the_forgotten_keep_their_places() {
    let queue = Box::new(Queue::bounded(1));
    let mut putters = Hand::new();
    for number in 0..3 {
        putters.start(queue.put(vec![number; 100]));
    }
    putters.forget(1);
    assert_eq!(queue.putters(), 2);
    (0..3).for_each(|number| assert_eq!(queue.try_get(), Ok(vec![number; 100])));
    let mut getters = Hand::new();
    for _ in 0..3 {
        getters.start(queue.get());
    }
    getters.forget(0);
    queue.try_put(vec![7]).unwrap();
    queue.try_put(vec![8]).unwrap();
    getters.run();
    // One of the two items is kept for the forgotten one.
    assert_eq!(getters.output(1), Some(Ok(vec![7])));
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    getters.forget(2);
    drop(getters);
    drop(putters);
    let mut waiting = Box::pin(Queue::<Vec<u8>>::get(&queue));
    assert!(
        waiting
            .as_mut()
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
            .is_pending()
    );
    forget(waiting);
    drop(queue);
}
