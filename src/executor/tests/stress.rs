use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use super::*;
use crate::executor::Executor;

const TASKS: usize = 100;
const THREADS: usize = 4;
const WAKES: usize = 100_000;

/// Counts what was asked of a task, and lends its waker out.
#[derive(Default)]
struct Desk {
    asked: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

#[test]
fn of_a_hundred_thousand_wakes_from_four_threads_none_is_lost() {
    let ex = Executor::new(Bell::new().into());
    let desks: Arc<Vec<Desk>> = Arc::new((0..TASKS).map(|_| Desk::default()).collect());
    let all_asked = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for n in 0..TASKS {
        let (desks, all_asked) = (desks.clone(), all_asked.clone());
        tasks.push(spawn(&ex, async move {
            let desk = &desks[n];
            *desk.waker.lock().unwrap() = Some(my_waker().await);
            // Each wake comes after its count: a task that sleeps having seen less was not woken.
            let mut seen = 0;
            poll_fn(|_| {
                let over = all_asked.load(Ordering::Acquire);
                seen = desk.asked.load(Ordering::Relaxed);
                if over { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            seen
        }));
    }
    ex.run_ready(TASKS);
    let barrier = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (desks, all_asked) = (desks.clone(), all_asked.clone());
            let barrier = barrier.clone();
            thread::spawn(move || {
                let mut random = thread as u64 + 1;
                for _ in 0..WAKES / THREADS {
                    random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
                    let desk = &desks[(random >> 33) as usize % TASKS];
                    desk.asked.fetch_add(1, Ordering::Relaxed);
                    let waker = desk.waker.lock().unwrap().clone().unwrap();
                    if random & 1 << 40 == 0 { waker.wake() } else { waker.wake_by_ref() }
                }
                // The last wakes of all must get through on their own.
                if barrier.wait().is_leader() {
                    all_asked.store(true, Ordering::Release);
                    for desk in desks.iter() {
                        desk.waker.lock().unwrap().take().unwrap().wake();
                    }
                }
            })
        })
        .collect();
    let seen: u64 = tasks.into_iter().map(|task| run(&ex, task)).sum();
    assert_eq!(seen, WAKES as u64);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(ex.tasks(), 0);
}

/// Ping-pong: each wake must arrive by itself, for nothing else would wake the loop again.
#[test]
fn each_single_wake_arrives() {
    let ex = Executor::new(Bell::new().into());
    let desk = Arc::new(Desk::default());
    let (theirs, stop) = (desk.clone(), Arc::new(AtomicBool::new(false)));
    let over = stop.clone();
    let waking = thread::spawn(move || {
        let mut wakes = 0_u64;
        while !over.load(Ordering::Acquire) {
            let waker = theirs.waker.lock().unwrap().take();
            if let Some(waker) = waker {
                theirs.asked.fetch_add(1, Ordering::Relaxed);
                waker.wake();
                wakes += 1;
            } else {
                thread::yield_now();
            }
        }
        wakes
    });
    let task = spawn(&ex, async move {
        for round in 1..=5_000 {
            poll_fn(|cx| {
                if desk.asked.load(Ordering::Relaxed) >= round {
                    return Poll::Ready(());
                }
                *desk.waker.lock().unwrap() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
        }
        stop.store(true, Ordering::Release);
    });
    run(&ex, task);
    assert_eq!(waking.join().unwrap(), 5_000);
}

/// Tasks finish, their handles go and the loop ends while other threads wake, clone and drop.
#[test]
fn wakers_outlive_tasks_and_loops_on_every_thread() {
    for round in 0..100 {
        let ex = executor();
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let threads: Vec<_> = {
            let receiver = Arc::new(Mutex::new(receiver));
            (0..THREADS)
                .map(|_| {
                    let receiver = receiver.clone();
                    thread::spawn(move || {
                        loop {
                            let next = receiver.lock().unwrap().recv();
                            let Ok(waker) = next else { return };
                            let copy = waker.clone();
                            copy.wake_by_ref();
                            drop(waker);
                            copy.wake();
                        }
                    })
                })
                .collect()
        };
        let mut handles = Vec::new();
        for _ in 0..TASKS {
            let sender = sender.clone();
            handles.push(spawn(&ex, async move {
                for _ in 0..3 {
                    let waker = my_waker().await;
                    sender.send(waker.clone()).unwrap();
                    sender.send(waker).unwrap();
                    pend_once().await;
                }
            }));
        }
        drop(sender);
        for _ in 0..round % 7 {
            ex.run_ready(TASKS);
        }
        handles.truncate(TASKS / 2);
        drop(ex);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(handles.into_iter().all(|handle| poll_once(handle).is_ready()));
    }
}
