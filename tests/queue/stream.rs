//! A queue as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_util::StreamExt;
use ringio::queue::{Items, LifoQueue, PriorityQueue, Queue, Shutdown};

fn poll<T>(items: &mut Items<'_, T>) -> Poll<Option<T>> {
    Pin::new(items).poll_next(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn it_gives_the_items_as_they_come_and_ends_behind_the_last() {
    let queue = Queue::unbounded();
    let mut items = queue.stream();
    assert_eq!(poll(&mut items), Poll::Pending);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    assert_eq!(poll(&mut items), Poll::Ready(Some(1)));
    queue.shutdown(Shutdown::Drain);
    assert_eq!(poll(&mut items), Poll::Ready(Some(2)));
    assert_eq!(poll(&mut items), Poll::Ready(None));
    assert_eq!(poll(&mut items), Poll::Ready(None));
}

#[test]
fn now_ends_it_at_once() {
    let queue = Queue::unbounded();
    let (mut items, mut others) = (queue.stream(), queue.stream());
    assert_eq!(poll(&mut items), Poll::Pending);
    assert_eq!(poll(&mut others), Poll::Pending);
    queue.try_put(1).unwrap();
    queue.shutdown(Shutdown::Now);
    assert_eq!(poll(&mut items), Poll::Ready(None));
    assert_eq!(poll(&mut others), Poll::Ready(None));
}

/// It may be moved while it waits, and leaves the line when it goes.
#[test]
fn it_waits_wherever_it_is_and_passes_on_what_it_leaves() {
    let queue = Queue::bounded(0);
    let (mut items, mut others) = (queue.stream(), queue.stream());
    assert_eq!(poll(&mut items), Poll::Pending);
    assert_eq!(poll(&mut others), Poll::Pending);
    let moved = Box::new(items);
    queue.try_put(1).unwrap();
    assert_eq!(queue.getters(), 1);
    drop(moved);
    assert_eq!(queue.getters(), 0);
    assert_eq!(poll(&mut others), Poll::Ready(Some(1)));
}

#[test]
fn all_queues_give_the_same_kind_of_stream() {
    ringio::run(async {
        let (stack, heap) = (LifoQueue::unbounded(), PriorityQueue::unbounded());
        for number in [2, 3, 1] {
            stack.put(number).await.unwrap();
            heap.put(number).await.unwrap();
        }
        stack.shutdown(Shutdown::Drain);
        heap.shutdown(Shutdown::Drain);
        let both: [Items<'_, i32>; 2] = [stack.stream(), heap.stream()];
        let [stack, heap] = both;
        assert_eq!(stack.collect::<Vec<_>>().await, [1, 3, 2]);
        assert_eq!(heap.collect::<Vec<_>>().await, [1, 2, 3]);
    });
}
