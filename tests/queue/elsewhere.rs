//! On ringio's loop and on other executors, and the budget of ringio's tasks.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use futures_executor::LocalPool;
use futures_util::future::join_all;
use futures_util::task::LocalSpawnExt;
use ringio::queue::{LifoQueue, PriorityQueue, Queue, Shutdown};

use super::support::run;

const ITEMS: u32 = 300;

/// Three that put and two that get, on queues in a row; all that was put in the first comes out of the
/// last.
async fn work() {
    let (first, second, third) =
        (Queue::bounded(0), LifoQueue::bounded(2), PriorityQueue::bounded(3));
    let sum = Cell::new(0);
    let put = async |from: u32| {
        for number in (from..ITEMS).step_by(3) {
            first.put(number).await.unwrap();
        }
    };
    let pass = async || {
        while let Ok(number) = first.get().await {
            second.put(number).await.unwrap();
        }
    };
    let pass_again = async || {
        while let Ok(number) = second.get().await {
            third.put(number).await.unwrap();
        }
    };
    let get = async || {
        while let Ok(number) = third.get().await {
            sum.set(sum.get() + number);
            third.task_done().unwrap();
        }
    };
    let all = async {
        join_all((0..3).map(put)).await;
        first.shutdown(Shutdown::Drain);
    };
    let passed = async {
        join_all((0..2).map(|_| pass())).await;
        second.shutdown(Shutdown::Drain);
    };
    let passed_again = async {
        join_all((0..2).map(|_| pass_again())).await;
        third.join().await;
        third.shutdown(Shutdown::Drain);
    };
    let got = join_all((0..2).map(|_| get()));
    futures_util::join!(all, passed, passed_again, got);
    assert_eq!(sum.get(), ITEMS * (ITEMS - 1) / 2);
}

/// The same, with a task at each end.
fn ends() -> (impl Future<Output = ()> + 'static, impl Future<Output = u32> + 'static) {
    let queue = Rc::new(Queue::bounded(1));
    let other = queue.clone();
    let put = async move {
        for number in 0..ITEMS {
            queue.put(number).await.unwrap();
        }
        queue.join().await;
        queue.shutdown(Shutdown::Drain);
    };
    let get = async move {
        let mut sum = 0;
        while let Ok(number) = other.get().await {
            sum += number;
            other.task_done().unwrap();
        }
        sum
    };
    (put, get)
}

#[test]
fn on_a_loop_of_ringio() {
    ringio::run(async {
        work().await;
        let (put, get) = ends();
        let (put, get) = (ringio::spawn(put), ringio::spawn(get));
        assert_eq!(get.await.unwrap(), ITEMS * (ITEMS - 1) / 2);
        put.await.unwrap();
    });
}

#[test]
fn on_the_pool_of_futures() {
    let mut pool = LocalPool::new();
    pool.run_until(work());
    let (put, get) = ends();
    pool.spawner().spawn_local(put).unwrap();
    assert_eq!(pool.run_until(get), ITEMS * (ITEMS - 1) / 2);
    pool.run();
}

#[test]
fn on_a_local_set_of_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        work().await;
        let (put, get) = ends();
        let (put, get) = (tokio::task::spawn_local(put), tokio::task::spawn_local(get));
        assert_eq!(get.await.unwrap(), ITEMS * (ITEMS - 1) / 2);
        put.await.unwrap();
    });
}

/// A task that always finds room and items lets others run, after no more of them than a poll may have.
#[test]
fn what_is_ready_at_once_costs_the_budget() {
    const ROUNDS: usize = 10_000;
    ringio::run(async {
        let (over, turns) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
        let (end, count) = (over.clone(), turns.clone());
        let other = ringio::spawn(async move {
            while !end.get() {
                count.set(count.get() + 1);
                ringio::yield_now().await;
            }
        });
        ringio::spawn(async move {
            let queue = Queue::unbounded();
            for number in 0..ROUNDS {
                queue.put(number).await.unwrap();
                assert_eq!(queue.get().await, Ok(number));
                queue.task_done().unwrap();
                queue.join().await;
            }
        })
        .await
        .unwrap();
        over.set(true);
        other.await.unwrap();
        let least = 3 * ROUNDS / 128;
        assert!(turns.get() >= least, "{} turns of {least}", turns.get());
    });
}

/// All is done when it is asked, and no more when the task has its next turn.
#[test]
fn a_join_without_budget_sees_that_all_was_done() {
    run(async || {
        let queue = Rc::new(Queue::unbounded());
        let other = queue.clone();
        let waits = ringio::spawn(async move {
            let spent = Queue::<()>::bounded(1);
            let mut left = 0;
            // Until the next that is ready would not be, with the budget used up.
            poll_fn(|cx| {
                while pin!(spent.join()).poll(cx).is_ready() {
                    left += 1;
                    assert!(left < 1_000);
                }
                Poll::Ready(())
            })
            .await;
            other.join().await;
            other.try_get().unwrap();
        });
        let puts = ringio::spawn(async move { queue.try_put(1).unwrap() });
        puts.await.unwrap();
        waits.await.unwrap();
    });
}
