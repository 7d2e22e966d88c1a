//! Channels: senders on other threads, and a receiver on a loop.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};

use loom::sync::Notify;
use loom::thread;

use crate::queue::{Sender, channel};
use crate::rig::{Loop, explore};

struct Waiter(Notify);

impl Wake for Waiter {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Awaits a future as a foreign executor does.
fn block_on<F: Future>(future: F) -> F::Output {
    let waiter = Arc::new(Waiter(Notify::new()));
    let waker = waiter.clone().into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        waiter.0.wait();
    }
}

fn sender(sender: Sender<u8>, items: &'static [u8]) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for &item in items {
            assert!(block_on(sender.send(item)).is_ok());
        }
    })
}

#[test]
fn each_item_arrives_and_then_the_end() {
    explore("channels, a sender that waits for room", 3, || {
        let looped = Loop::new();
        let (end, mut receiver) = channel(1);
        let thread = sender(end, &[1, 2]);
        let task = looped.spawn(async move {
            assert_eq!(receiver.recv().await, Some(1));
            assert_eq!(receiver.recv().await, Some(2));
            assert_eq!(receiver.recv().await, None);
        });
        looped.finish(task);
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&looped.end()), 1);
    });
}

#[test]
fn two_senders_are_both_heard() {
    explore("channels, two senders", 2, || {
        let looped = Loop::new();
        let (end, mut receiver) = channel(1);
        let threads = [sender(end.clone(), &[1]), sender(end, &[2])];
        let task = looped.spawn(async move {
            let mut sum = 0;
            while let Some(item) = receiver.recv().await {
                sum += item;
            }
            sum
        });
        assert_eq!(looped.finish(task), 3);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(Arc::strong_count(&looped.end()), 1);
    });
}

#[test]
fn a_sender_is_told_when_the_receiver_goes() {
    explore("channels, a receiver that goes", 3, || {
        let looped = Loop::new();
        let (end, mut receiver) = channel(1);
        let thread = thread::spawn(move || while block_on(end.send(1)).is_ok() {});
        let task = looped.spawn(async move { receiver.recv().await });
        assert_eq!(looped.finish(task), Some(1));
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&looped.end()), 1);
    });
}
