//! Channels between loops: in order, bounded, nothing lost, and a word at the end.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use ringio::queue::{PutError, Receiver, Sender, TryGetError, TryPutError, channel};
use ringio::{Cores, Runner, spawn, timeout, yield_now};
use watchdog::bounded;

const ITEMS: u32 = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn ends_may_go_to_other_threads() {
    fn is_send<T: Send + 'static>() {}
    is_send::<Sender<Cell<u8>>>();
    is_send::<Receiver<Cell<u8>>>();
}

#[test]
fn between_two_loops_items_arrive_in_order() {
    bounded(|| {
        for (spin, capacity) in [(Duration::ZERO, 1), (Duration::from_micros(50), 64)] {
            let (sender, receiver) = channel(capacity);
            let ends = std::sync::Mutex::new((Some(sender), Some(receiver)));
            let cores = Cores::count(2).builder(Runner::builder().spin(spin));
            let run = cores.run(|core| {
                let ends = &ends;
                async move {
                    if core.index() == 0 {
                        let sender = ends.lock().unwrap().0.take().unwrap();
                        for number in 0..ITEMS {
                            sender.send(number).await.unwrap();
                        }
                    } else {
                        let mut receiver = ends.lock().unwrap().1.take().unwrap();
                        for number in 0..ITEMS {
                            assert_eq!(receiver.recv().await, Some(number));
                        }
                        assert_eq!(receiver.recv().await, None);
                    }
                }
            });
            run.unwrap();
        }
    });
}

#[test]
fn of_many_senders_nothing_is_lost_and_each_one_s_order_is_kept() {
    bounded(|| {
        let (sender, mut receiver) = channel::<(usize, u32)>(3);
        let senders: Vec<_> = (0..4)
            .map(|number| {
                let sender = sender.clone();
                thread::spawn(move || {
                    ringio::run(async move {
                        for item in 0..ITEMS / 4 {
                            sender.send((number, item)).await.unwrap();
                        }
                    });
                })
            })
            .collect();
        drop(sender);
        ringio::run(async {
            let mut next = [0; 4];
            while let Some((number, item)) = receiver.recv().await {
                assert_eq!(item, next[number]);
                next[number] += 1;
                assert!(receiver.len() <= receiver.capacity());
            }
            assert_eq!(next, [ITEMS / 4; 4]);
        });
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn what_there_is_no_room_for_waits_its_turn() {
    let (sender, mut receiver) = channel(2);
    assert_eq!((sender.capacity(), sender.len(), sender.is_empty()), (2, 0, true));
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(sender.try_send(9), Err(TryPutError::Full(9)));
    let (mut third, mut fourth) = (pin!(sender.send(3)), pin!(sender.send(4)));
    assert!(poll(third.as_mut()).is_pending() && poll(fourth.as_mut()).is_pending());
    assert_eq!((receiver.len(), receiver.try_recv()), (2, Ok(1)));
    // The room belongs to who has waited longest.
    assert_eq!((receiver.len(), sender.try_send(9)), (2, Err(TryPutError::Full(9))));
    assert!(poll(fourth.as_mut()).is_pending());
    assert_eq!(poll(third), Poll::Ready(Ok(())));
    assert_eq!([(); 3].map(|()| receiver.try_recv()), [Ok(2), Ok(3), Ok(4)]);
    assert_eq!(poll(fourth), Poll::Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Err(TryGetError::Empty));
    assert_eq!(channel::<u8>(0).0.capacity(), 1);
}

#[test]
fn a_sender_that_gives_up_takes_its_item_back_and_holds_up_nobody() {
    let (sender, mut receiver) = channel(1);
    let item = Arc::new(());
    sender.try_send(item.clone()).unwrap();
    {
        let mut gives_up = pin!(sender.send(item.clone()));
        assert!(poll(gives_up.as_mut()).is_pending());
        assert_eq!(Arc::strong_count(&item), 3);
    }
    assert_eq!(Arc::strong_count(&item), 2, "it is gone");
    let mut goes_on = pin!(sender.send(item));
    assert!(poll(goes_on.as_mut()).is_pending());
    receiver.try_recv().unwrap();
    assert_eq!(poll(goes_on), Poll::Ready(Ok(())));
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_sender_that_was_let_in_and_dropped_has_sent_and_the_next_is_woken_in_turn() {
    let (sender, mut receiver) = channel(1);
    sender.try_send(1).unwrap();
    let counts: [Arc<Count>; 2] = Default::default();
    let wakers = counts.clone().map(Waker::from);
    let mut second = Box::pin(sender.send(2));
    let mut third = Box::pin(sender.send(3));
    assert!(second.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_pending());
    assert!(third.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    let woken = || [&counts[0], &counts[1]].map(|count| count.0.load(SeqCst));
    assert_eq!(woken(), [1, 0]);
    drop(second);
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(woken(), [1, 1]);
    drop(third);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Err(TryGetError::Empty)));
}

#[test]
fn a_receive_that_is_dropped_loses_nothing() {
    bounded(|| {
        let (sender, mut receiver) = channel(8);
        let thread = thread::spawn(move || {
            ringio::run(async move {
                for number in 0..ITEMS / 10 {
                    sender.send(number).await.unwrap();
                    if number % 7 == 0 {
                        yield_now().await;
                    }
                }
            });
        });
        ringio::run(async {
            let mut next = 0;
            loop {
                // Half of them are dropped at their first wait.
                let received = if next % 2 == 0 {
                    let mut receive = pin!(receiver.recv());
                    match poll(receive.as_mut()) {
                        Poll::Ready(received) => received,
                        Poll::Pending => {
                            yield_now().await;
                            continue;
                        }
                    }
                } else {
                    match timeout(Duration::from_micros(50), receiver.recv()).await {
                        Ok(received) => received,
                        Err(_) => continue,
                    }
                };
                match received {
                    Some(number) => assert_eq!(number, next),
                    None => break,
                }
                next += 1;
            }
            assert_eq!(next, ITEMS / 10);
        });
        thread.join().unwrap();
    });
}

#[test]
fn when_the_senders_are_gone_the_rest_is_received_and_then_the_end() {
    bounded(|| {
        ringio::run(async {
            let (sender, receiver) = channel(4);
            let other = sender.clone();
            sender.send(1).await.unwrap();
            other.send(2).await.unwrap();
            drop(sender);
            let waits = spawn(async move { receiver.collect::<Vec<_>>().await });
            yield_now().await;
            assert!(!waits.is_finished(), "one sender is left");
            drop(other);
            assert_eq!(waits.await.unwrap(), [1, 2]);
            let (sender, mut receiver) = channel::<u8>(1);
            drop(sender);
            assert_eq!(receiver.try_recv(), Err(TryGetError::ShutDown));
            assert_eq!((receiver.recv().await, receiver.next().await), (None, None));
        });
    });
}

#[test]
fn when_the_receiver_is_gone_items_come_back() {
    bounded(|| {
        ringio::run(async {
            let (sender, receiver) = channel(1);
            let item = Arc::new(());
            sender.send(item.clone()).await.unwrap();
            let (waiting, theirs) = (sender.clone(), item.clone());
            let waits = spawn(async move { waiting.send(theirs).await });
            yield_now().await;
            assert!(!waits.is_finished() && !sender.is_closed());
            drop(receiver);
            assert!(sender.is_closed());
            assert_eq!(waits.await.unwrap(), Err(PutError(item.clone())));
            assert_eq!(Arc::strong_count(&item), 1, "what nobody took is dropped");
            assert_eq!(sender.try_send(item.clone()), Err(TryPutError::ShutDown(item.clone())));
            let refused = sender.send(item.clone()).await;
            assert!(Arc::ptr_eq(&refused.unwrap_err().into_inner(), &item));
        });
    });
}

#[test]
fn a_loop_that_ends_ends_its_side() {
    bounded(|| {
        let (sender, mut receiver) = channel::<u32>(1);
        let thread = thread::spawn(move || {
            let mut runner = Runner::builder().build().unwrap();
            runner
                .run(async {
                    spawn(async move {
                        // Full, and so it is still at it when the loop ends.
                        while sender.send(1).await.is_ok() {}
                    });
                    yield_now().await;
                })
                .unwrap();
        });
        thread.join().unwrap();
        ringio::run(async {
            assert_eq!(receiver.recv().await, Some(1));
            assert_eq!(receiver.recv().await, None);
        });
    });
}

#[test]
fn a_receiver_that_always_finds_something_lets_others_run() {
    bounded(|| {
        ringio::run(async {
            let (sender, mut receiver) = channel(10_000);
            for number in 0..10_000 {
                sender.try_send(number).unwrap();
            }
            let ran = Rc::new(Cell::new(false));
            let other = ran.clone();
            spawn(async move { other.set(true) });
            for _ in 0..1_000 {
                receiver.recv().await;
            }
            assert!(ran.get());
        });
    });
}
