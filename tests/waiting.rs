//! To wait takes no memory but the future's own, and neither does to be chosen, or to leave. What does
//! nothing but wait, a connection or a task, is small.

#[path = "waiting/allocator.rs"]
mod allocator;
#[path = "waiting/idle.rs"]
mod idle;
mod support;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ringio::queue::{Queue, Shutdown};
use ringio::sync::{Barrier, Condition, Event, Mutex, Notify, RwLock, Semaphore, watch};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

const WAITERS: usize = 1_000;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn now<F: Future>(future: F) -> F::Output {
    match poll(Box::pin(future).as_mut()) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it had to wait"),
    }
}

/// Has many wait, every third of them leave, and the others go on when they are let.
#[track_caller]
fn takes_nothing<F: Future>(wait: impl Fn() -> F, release: impl FnOnce()) {
    let mut waiters: Vec<Option<Pin<Box<F>>>> =
        (0..WAITERS).map(|_| Some(Box::pin(wait()))).collect();
    let before = allocator::allocations();
    let mut waiting = 0;
    for waiter in &mut waiters {
        let waiter = waiter.as_mut().unwrap();
        waiting += usize::from(poll(waiter.as_mut()).is_pending());
    }
    assert_eq!(waiting, WAITERS);
    waiters.iter_mut().step_by(3).for_each(|waiter| *waiter = None);
    release();
    for (number, waiter) in waiters.iter_mut().enumerate() {
        if let Some(mut waiter) = waiter.take() {
            // What it gives is dropped here, and lets the next one go on.
            assert!(poll(waiter.as_mut()).is_ready(), "waiter {number} still waits");
        }
    }
    assert_eq!(allocator::allocations() - before, 0);
}

#[test]
fn for_a_lock() {
    let mutex = Mutex::new(());
    let guard = now(mutex.lock());
    takes_nothing(|| mutex.lock(), || drop(guard));
}

#[test]
fn for_a_lock_that_is_read_and_written() {
    let lock = RwLock::new(());
    let guard = now(lock.write());
    takes_nothing(|| lock.read(), || drop(guard));
    let guard = now(lock.read());
    takes_nothing(|| lock.write(), || drop(guard));
}

#[test]
fn for_permits() {
    let semaphore = Semaphore::new(2);
    let permit = now(semaphore.acquire_many(2));
    takes_nothing(|| semaphore.acquire_many(2), || drop(permit));
}

#[test]
fn for_an_event_or_a_nudge() {
    let (event, notify) = (Event::new(), Notify::new());
    takes_nothing(|| event.wait(), || event.set());
    takes_nothing(|| notify.notified(), || notify.notify_all());
}

#[test]
fn for_a_condition() {
    let (mutex, condition) = (Mutex::new(()), Condition::new());
    let wait = async || drop(condition.wait(mutex.lock().await).await);
    takes_nothing(wait, || condition.notify_all());
}

#[test]
fn for_the_others() {
    let barrier = Barrier::new(WAITERS + 1);
    takes_nothing(|| barrier.wait(), || barrier.abort());
}

#[test]
fn for_news() {
    let (sender, receiver) = watch::channel(0);
    let receivers = async || receiver.clone().changed().await.unwrap();
    takes_nothing(receivers, || sender.send(1).unwrap());
}

#[test]
fn for_an_item_or_for_room() {
    let queue = Queue::<()>::bounded(1);
    takes_nothing(|| queue.get(), || queue.shutdown(Shutdown::Drain));
    let queue = Queue::bounded(1);
    queue.try_put(()).unwrap();
    takes_nothing(|| queue.put(()), || queue.shutdown(Shutdown::Drain));
}
