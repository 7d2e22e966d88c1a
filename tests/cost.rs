//! Loops to count instructions in, by hand: `ROUNDS=n` under callgrind, twice, and the difference
//! (docs/PERFORMANCE.md). Run as tests they see that the loops work.

#[path = "support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use ringio::queue::{Queue, Shutdown};
use ringio::sync::{Mutex, Semaphore};
use ringio::time::sleep;
use ringio::{op, spawn, yield_now};
use support::{pair, poll_once, run};

fn rounds() -> usize {
    std::env::var("ROUNDS").map_or(100, |rounds| rounds.parse().unwrap())
}

#[test]
fn spawn_and_join_one_at_a_time() {
    run(async || {
        for _ in 0..rounds() {
            spawn(async {}).await.unwrap();
        }
    });
}

#[test]
fn spawn_a_thousand_then_join() {
    run(async || {
        for _ in 0..rounds().div_ceil(1_000) {
            let tasks: Vec<_> = (0..1_000).map(|_| spawn(async {})).collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
}

#[test]
fn yield_of_one_task() {
    run(async || {
        for _ in 0..rounds() {
            yield_now().await;
        }
    });
}

#[test]
fn yield_among_a_hundred() {
    run(async || {
        let each = rounds().div_ceil(100);
        let tasks = (0..100).map(|_| {
            spawn(async move {
                for _ in 0..each {
                    yield_now().await;
                }
            })
        });
        join_all(tasks).await.into_iter().for_each(Result::unwrap);
    });
}

#[test]
fn timer_armed_and_cancelled() {
    run(async || {
        for _ in 0..rounds() {
            let mut sleep = pin!(sleep(Duration::from_secs(1)));
            assert!(poll_once(&mut sleep).await.is_pending());
        }
    });
}

async fn yields() -> u32 {
    yield_now().await;
    1
}

/// Beside children and parts, which do the same.
#[test]
fn spawn_a_thousand_that_yield_then_join() {
    run(async || {
        let mut tasks = Vec::with_capacity(1_000);
        for _ in 0..rounds().div_ceil(1_000) {
            tasks.extend((0..1_000).map(|_| spawn(async { Ok::<_, ()>(yields().await) })));
            for task in tasks.drain(..) {
                assert_eq!(task.await.unwrap(), Ok(1));
            }
        }
    });
}

#[test]
fn a_thousand_children_that_yield() {
    run(async || {
        for _ in 0..rounds().div_ceil(1_000) {
            let ended = ringio::task_group::<_, (), _>(async |group| {
                for _ in 0..1_000 {
                    drop(group.spawn(async { Ok(yields().await) }));
                }
                Ok(())
            });
            ended.await.unwrap();
        }
    });
}

#[test]
fn gather_a_thousand_that_yield() {
    run(async || {
        for _ in 0..rounds().div_ceil(1_000) {
            let outputs = ringio::gather((0..1_000).map(|_| yields())).await;
            assert_eq!(outputs.len(), 1_000);
        }
    });
}

#[test]
fn join_all_a_thousand_that_yield() {
    run(async || {
        for _ in 0..rounds().div_ceil(1_000) {
            let outputs = join_all((0..1_000).map(|_| yields())).await;
            assert_eq!(outputs.len(), 1_000);
        }
    });
}

#[test]
fn spawn_a_thousand_and_let_them_go() {
    run(async || {
        for _ in 0..rounds().div_ceil(1_000) {
            for _ in 0..1_000 {
                drop(spawn(async {}));
            }
            for _ in 0..5 {
                yield_now().await;
            }
        }
    });
}

#[test]
fn timeout_around_one_wait() {
    run(async || {
        for _ in 0..rounds() {
            assert_eq!(ringio::timeout(Duration::from_secs(1), yields()).await, Ok(1));
        }
    });
}

#[test]
fn the_wait_without_a_timeout() {
    run(async || {
        for _ in 0..rounds() {
            assert_eq!(yields().await, 1);
        }
    });
}

/// Two tasks that wake each other in turn: two wakes, two polls.
#[test]
fn wake_and_back() {
    run(async || {
        let (there, back) = (Rc::<Line>::default(), Rc::<Line>::default());
        let other = {
            let (there, back) = (there.clone(), back.clone());
            spawn(async move {
                for _ in 0..rounds() {
                    back.send(there.receive().await);
                }
            })
        };
        for round in 0..rounds() {
            there.send(round);
            assert_eq!(back.receive().await, round);
        }
        other.await.unwrap();
    });
}

#[test]
fn no_op_through_the_ring() {
    run(async || {
        for _ in 0..rounds() {
            op::nop().await.unwrap();
        }
    });
}

#[test]
fn no_op_through_the_ring_64_at_a_time() {
    run(async || {
        let each = rounds().div_ceil(64);
        let tasks = (0..64).map(|_| {
            spawn(async move {
                for _ in 0..each {
                    op::nop().await.unwrap();
                }
            })
        });
        join_all(tasks).await.into_iter().for_each(Result::unwrap);
    });
}

#[test]
fn put_and_get() {
    run(async || {
        let queue = Queue::bounded(16);
        for round in 0..rounds() {
            queue.put(round).await.unwrap();
            assert_eq!(queue.get().await, Ok(round));
        }
    });
}

/// Two tasks, two queues: each time two puts to a getter that waits, two wakes, two polls.
#[test]
fn there_and_back_through_two_queues() {
    run(async || {
        let (there, back) = (Rc::new(Queue::bounded(1)), Rc::new(Queue::bounded(1)));
        let (heard, answer) = (there.clone(), back.clone());
        let other = spawn(async move {
            while let Ok(round) = heard.get().await {
                answer.put(round).await.unwrap();
            }
        });
        for round in 0..rounds() {
            there.put(round).await.unwrap();
            assert_eq!(back.get().await, Ok(round));
        }
        there.shutdown(Shutdown::Drain);
        other.await.unwrap();
    });
}

#[test]
fn lock_and_unlock() {
    run(async || {
        let mutex = Mutex::new(0);
        for _ in 0..rounds() {
            *mutex.lock().await += 1;
        }
        assert_eq!(mutex.into_inner(), rounds());
    });
}

#[test]
fn permit_taken_and_given_back() {
    run(async || {
        let semaphore = Semaphore::new(1);
        for _ in 0..rounds() {
            drop(semaphore.acquire().await);
        }
    });
}

/// One permit goes through a line of so many, which stand in it anew for each time; per waiter that is
/// a future made, two polls, and the permit handed on.
fn hand_off(waiters: usize) {
    let semaphore = Semaphore::new(1);
    let mut line = Vec::with_capacity(waiters);
    for _ in 0..rounds().div_ceil(waiters) {
        let permit = semaphore.try_acquire();
        line.extend((0..waiters).map(|_| Box::pin(semaphore.acquire())));
        line.iter_mut().for_each(|wait| assert!(poll(wait).is_pending()));
        drop(permit);
        for mut wait in line.drain(..) {
            assert!(poll(&mut wait).is_ready());
        }
    }
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn permit_through_a_thousand() {
    hand_off(1_000);
}

#[test]
fn permit_through_a_hundred_thousand() {
    hand_off(100_000);
}

/// A future made, one poll, and its drop, every other one from the end of the line.
fn leave(waiters: usize) {
    let semaphore = Semaphore::new(0);
    let mut line = VecDeque::with_capacity(waiters);
    for _ in 0..rounds().div_ceil(waiters) {
        line.extend((0..waiters).map(|_| Box::pin(semaphore.acquire())));
        line.iter_mut().for_each(|wait| assert!(poll(wait).is_pending()));
        while line.pop_front().and(line.pop_back()).is_some() {}
    }
    assert_eq!(semaphore.waiters(), 0);
}

#[test]
fn a_thousand_leave() {
    leave(1_000);
}

#[test]
fn a_hundred_thousand_leave() {
    leave(100_000);
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A connection that has the loop to itself: each request has its turns alone.
#[test]
fn echo_of_one_connection() {
    run(async || {
        let (mut ours, mut peer) = pair();
        let mut echo = [0; 64];
        for _ in 0..rounds() {
            peer.write_all(&[7; 64]).unwrap();
            let chunk = ours.recv().await.unwrap();
            ours.write_all(chunk).await.0.unwrap();
            peer.read_exact(&mut echo).unwrap();
        }
    });
}

/// The least channel there is.
#[derive(Default)]
struct Line(RefCell<(VecDeque<usize>, Option<Waker>)>);

impl Line {
    fn send(&self, value: usize) {
        let waker = {
            let mut line = self.0.borrow_mut();
            line.0.push_back(value);
            line.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    async fn receive(&self) -> usize {
        poll_fn(|cx| {
            let mut line = self.0.borrow_mut();
            if let Some(value) = line.0.pop_front() {
                return Poll::Ready(value);
            }
            line.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}
