//! On executors that know nothing of ringio, and under ringio's budget.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_executor::LocalPool;
use futures_util::task::LocalSpawnExt;
use ringio::sync::{Barrier, Condition, Event, Mutex, Notify, OnceCell, RwLock, Semaphore};
use ringio::sync::{broadcast, oneshot, watch};

use super::watchdog::bounded;

/// Everything that a few tasks can wait for, each with the others: a dozen rounds in which all take part.
struct World {
    log: Mutex<Vec<usize>>,
    changed: Condition,
    doors: Semaphore,
    all: Barrier,
    begin: Event,
    baton: Notify,
    table: RwLock<usize>,
    greeting: OnceCell<&'static str>,
}

const TASKS: usize = 8;
const ROUNDS: usize = 12;

impl World {
    fn new() -> Rc<World> {
        Rc::new(World {
            log: Mutex::new(Vec::new()),
            changed: Condition::new(),
            doors: Semaphore::bounded(2),
            all: Barrier::new(TASKS),
            begin: Event::new(),
            baton: Notify::new(),
            table: RwLock::new(0),
            greeting: OnceCell::new(),
        })
    }

    async fn take_part(&self, number: usize, mut news: broadcast::Receiver<usize>) {
        self.begin.wait().await;
        assert_eq!(*self.greeting.get_or_init(async || "hello").await, "hello");
        for round in 0..ROUNDS {
            {
                let _permit = self.doors.acquire().await;
                pause().await;
            }
            self.all.wait().await.unwrap();
            self.baton.notify_one();
            self.baton.notified().await;
            self.baton.notify_one();
            {
                let mut log = self.log.lock().await;
                log.push(number);
                self.changed.notify_all();
                let whole = TASKS * (round + 1);
                drop(self.changed.wait_while(log, |log| log.len() < whole).await);
            }
            assert_eq!(*self.table.read().await, round);
            self.all.wait().await.unwrap();
            if number == 0 {
                *self.table.write().await += 1;
            }
            self.all.wait().await.unwrap();
            assert_eq!(*self.table.read().await, round + 1);
            assert_eq!(news.recv().await, Ok(round));
        }
    }
}

/// Lets the others run, on any executor.
async fn pause() {
    let mut first = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    })
    .await;
}

/// Runs the world on an executor that can spawn; says when all have taken part.
async fn run(spawn: impl Fn(std::pin::Pin<Box<dyn Future<Output = ()>>>)) {
    let world = World::new();
    let (news, _keep) = broadcast::channel(ROUNDS);
    let (count, mut counted) = watch::channel(0);
    let count = Rc::new(count);
    for number in 0..TASKS {
        let (world, count, news) = (world.clone(), count.clone(), news.subscribe());
        spawn(Box::pin(async move {
            world.take_part(number, news).await;
            count.send_modify(|count| *count += 1);
        }));
    }
    let (done, ended) = oneshot::channel();
    spawn(Box::pin(async move {
        counted.wait_for(|count| *count == TASKS).await.unwrap();
        done.send(()).unwrap();
    }));
    for round in 0..ROUNDS {
        news.send(round).unwrap();
    }
    world.begin.set();
    ended.await.unwrap();
    assert_eq!(world.log.lock().await.len(), TASKS * ROUNDS);
}

#[test]
fn on_the_local_pool_of_futures() {
    bounded(|| {
        let mut pool = LocalPool::new();
        let spawner = pool.spawner();
        pool.run_until(run(move |future| spawner.spawn_local(future).unwrap()));
    });
}

#[test]
fn on_the_local_set_of_tokio() {
    bounded(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let set = tokio::task::LocalSet::new();
        set.block_on(&runtime, run(|future| drop(tokio::task::spawn_local(future))));
    });
}

#[test]
fn on_a_loop_of_ringio() {
    bounded(|| ringio::run(run(|future| drop(ringio::spawn(future)))));
}

/// A wait that was begun on one executor ends on another; the lock is that of both.
#[test]
fn one_may_be_used_by_one_executor_after_the_other() {
    bounded(|| {
        let mutex = Mutex::new(Vec::new());
        let mut pool = LocalPool::new();
        let guard = pool.run_until(mutex.lock());
        let mut wait = Box::pin(async { mutex.lock().await.push("ringio") });
        let began = pool.run_until(async { futures_util::poll!(wait.as_mut()) });
        assert!(began.is_pending());
        ringio::run(async {
            drop(guard);
            wait.await;
        });
        ringio::run(async { mutex.lock().await.push("another") });
        assert_eq!(*pool.run_until(mutex.lock()), ["ringio", "another"]);
    });
}

/// What is always ready lets others run all the same: each kind, for ever, beside a task that ends it.
#[test]
fn what_is_ready_costs_the_task_s_budget() {
    bounded(|| {
        ringio::run(async {
            let rounds = Rc::new(Cell::new(0));
            let other = {
                let rounds = rounds.clone();
                ringio::spawn(async move {
                    for _ in 0..20 {
                        rounds.set(rounds.get() + 1);
                        ringio::yield_now().await;
                    }
                })
            };
            let (mutex, semaphore) = (Mutex::new(()), Semaphore::new(1));
            let (lock, event, notify) = (RwLock::new(()), Event::new(), Notify::new());
            let (barrier, cell) = (Barrier::new(1), OnceCell::new());
            let (sender, mut receiver) = watch::channel(());
            let (tells, mut told) = broadcast::channel(1);
            event.set();
            for kind in 0..9 {
                let (before, mut passes) = (rounds.get(), 0);
                while rounds.get() == before && !other.is_finished() {
                    passes += 1;
                    assert!(passes <= 1_000, "kind {kind} keeps the loop");
                    match kind {
                        0 => drop(mutex.lock().await),
                        1 => drop(semaphore.acquire().await),
                        2 => drop(lock.read().await),
                        3 => event.wait().await,
                        4 => {
                            notify.notify_one();
                            notify.notified().await;
                        }
                        5 => assert_eq!(barrier.wait().await, Ok(0)),
                        6 => *cell.get_or_init(async || ()).await,
                        7 => {
                            sender.send(()).unwrap();
                            receiver.changed().await.unwrap();
                        }
                        _ => {
                            tells.send(()).unwrap();
                            told.recv().await.unwrap();
                        }
                    }
                }
            }
            assert!(!other.is_finished());
            drop(other);
        });
    });
}

/// Cancelled at any moment by a time limit, a scope or a task's end, a waiter passes on what it was given.
#[test]
fn tasks_that_are_cancelled_lose_nothing() {
    bounded(|| {
        ringio::run(async {
            let semaphore = Rc::new(Semaphore::new(1));
            let held = Rc::new(RefCell::new(0));
            let permit = semaphore.acquire().await;
            let tasks: Vec<_> = (0..10)
                .map(|_| {
                    let (semaphore, held) = (semaphore.clone(), held.clone());
                    ringio::spawn(async move {
                        let _permit = semaphore.acquire().await;
                        *held.borrow_mut() += 1;
                    })
                })
                .collect();
            ringio::yield_now().await;
            assert_eq!(semaphore.waiters(), 10);
            drop(permit);
            // Chosen, and cancelled before it runs; so is every other one.
            for task in tasks.iter().step_by(2) {
                assert!(task.cancel());
            }
            for task in tasks {
                drop(task.await);
            }
            assert_eq!((*held.borrow(), semaphore.available()), (5, 1));
        });
    });
}
