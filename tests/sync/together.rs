//! As the table of what gives one turn at a time, for what lets all go together.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use ringio::sync::{Barrier, Condition, Event, Mutex, Notify, OnceCell, RwLock};
use ringio::sync::{broadcast, watch};

use super::by_hand::{Tasks, now};

const MOST: usize = 6;

type Wait = Pin<Box<dyn Future<Output = usize>>>;

/// Something to wait for, and what lets those who wait go.
struct Kind {
    wait: Box<dyn FnMut() -> Wait>,
    go: Box<dyn FnMut()>,
    waiters: Box<dyn Fn() -> usize>,
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn event(clears: bool) -> Kind {
    let event = leak(Event::new());
    let go = move || {
        event.set();
        if clears {
            event.clear();
        }
    };
    Kind {
        wait: Box::new(|| {
            Box::pin(async {
                event.wait().await;
                0
            })
        }),
        go: Box::new(go),
        waiters: Box::new(|| event.waiters()),
    }
}

fn notify() -> Kind {
    let notify = leak(Notify::new());
    Kind {
        wait: Box::new(|| {
            Box::pin(async {
                notify.notified().await;
                0
            })
        }),
        go: Box::new(|| notify.notify_all()),
        waiters: Box::new(|| notify.waiters()),
    }
}

fn condition() -> Kind {
    let (mutex, condition) = (leak(Mutex::new(0)), leak(Condition::new()));
    let wait = || -> Wait {
        Box::pin(async {
            let mut guard = condition.wait(mutex.lock().await).await;
            *guard += 1;
            *guard
        })
    };
    Kind {
        wait: Box::new(wait),
        go: Box::new(|| condition.notify_all()),
        waiters: Box::new(|| condition.waiters()),
    }
}

fn readers() -> Kind {
    let lock = leak(RwLock::new(0));
    let guard = Cell::new(lock.try_write());
    Kind {
        wait: Box::new(|| Box::pin(async { *lock.read().await })),
        go: Box::new(move || drop(guard.take())),
        waiters: Box::new(|| lock.waiters()),
    }
}

fn watched() -> Kind {
    let (sender, receiver) = watch::channel(0);
    let sender = Rc::new(sender);
    let waits = sender.clone();
    let wait = move || -> Wait {
        let mut receiver = receiver.clone();
        Box::pin(async move {
            receiver.changed().await.unwrap();
            *receiver.borrow()
        })
    };
    Kind {
        wait: Box::new(wait),
        go: Box::new(move || sender.send(7).unwrap()),
        waiters: Box::new(move || waits.waiters()),
    }
}

fn broadcasted() -> Kind {
    let (sender, receiver) = broadcast::channel(1);
    let (subscribe, waits) = (sender.clone(), sender.clone());
    let wait = move || -> Wait {
        let mut receiver = subscribe.subscribe();
        Box::pin(async move { receiver.recv().await.unwrap() })
    };
    let go = move || {
        let _ = &receiver;
        sender.send(7).unwrap();
    };
    Kind { wait: Box::new(wait), go: Box::new(go), waiters: Box::new(move || waits.waiters()) }
}

/// The maker has a turn that no waiter takes over.
fn once_cell() -> Kind {
    let cell = leak(OnceCell::new());
    let done = Rc::new(Event::new());
    let mut maker = Tasks::new();
    let made = {
        let done = done.clone();
        async move {
            *cell
                .get_or_init(async || {
                    done.wait().await;
                    7
                })
                .await
        }
    };
    maker.waits(made);
    let go = move || {
        done.set();
        assert_eq!(maker.run(), [(0, 7)]);
    };
    Kind {
        wait: Box::new(|| Box::pin(async { *cell.get_or_init(async || unreachable!()).await })),
        go: Box::new(go),
        waiters: Box::new(|| cell.waiters()),
    }
}

fn check(n: usize, k: usize, chosen: bool, mut kind: Kind) {
    let mut tasks = Tasks::new();
    for _ in 0..n {
        tasks.waits((kind.wait)());
    }
    assert_eq!((kind.waiters)(), n);
    if !chosen {
        tasks.drop(k);
    }
    (kind.go)();
    if chosen {
        tasks.drop(k);
    }
    assert_eq!((kind.waiters)(), 0);
    let expected: Vec<usize> = (0..n).filter(|number| *number != k).collect();
    assert_eq!(tasks.ended(), expected);
    assert!(expected.iter().all(|number| tasks.polls[*number] == 2));
}

fn check_all(kind: impl Fn() -> Kind) {
    for n in 1..=MOST {
        for k in 0..n {
            for chosen in [false, true] {
                check(n, k, chosen, kind());
            }
        }
    }
}

#[test]
fn event_for_every_waiter_dropped_before_and_after() {
    check_all(|| event(false));
}

#[test]
fn a_waiter_woken_by_set_returns_though_clear_follows() {
    check_all(|| event(true));
}

#[test]
fn notify_all_for_every_waiter_dropped_before_and_after() {
    check_all(notify);
}

#[test]
fn condition_for_all_for_every_waiter_dropped_before_and_after() {
    check_all(condition);
}

#[test]
fn readers_for_every_waiter_dropped_before_and_after() {
    check_all(readers);
}

#[test]
fn watch_for_every_waiter_dropped_before_and_after() {
    check_all(watched);
}

#[test]
fn broadcast_for_every_waiter_dropped_before_and_after() {
    check_all(broadcasted);
}

#[test]
fn once_cell_for_every_waiter_dropped_before_and_after() {
    check_all(once_cell);
}

/// Of n that wait at a barrier one is dropped before the last comes: one more has to come. Dropped after
/// that, the others have gone.
#[test]
fn barrier_for_every_waiter_dropped_before_and_after() {
    for n in 1..=MOST {
        for k in 0..n {
            for chosen in [false, true] {
                let barrier = Barrier::new(n + 1);
                let mut tasks = Tasks::new();
                for _ in 0..n {
                    tasks.waits(barrier.wait());
                }
                if !chosen {
                    tasks.drop(k);
                    assert_eq!(barrier.waiters(), n - 1);
                    tasks.waits(barrier.wait());
                }
                assert_eq!(now(barrier.wait()), Ok(n));
                if chosen {
                    tasks.drop(k);
                }
                assert_eq!(barrier.waiters(), 0);
                let seen = RefCell::new(Vec::new());
                let ended: Vec<usize> = tasks
                    .run()
                    .into_iter()
                    .map(|(number, index)| {
                        seen.borrow_mut().push(index.unwrap());
                        number
                    })
                    .collect();
                let all = 0..tasks.polls.len();
                assert_eq!(ended, all.filter(|number| *number != k).collect::<Vec<_>>());
                let indices: Vec<usize> = (0..n).filter(|index| !chosen || *index != k).collect();
                assert_eq!(seen.take(), indices);
            }
        }
    }
}

/// Each maker is dropped in turn: the next waiter makes the value, and the last one does.
#[test]
fn once_cell_for_every_maker_dropped() {
    for n in 1..=MOST {
        for polled in [false, true] {
            let cell = OnceCell::new();
            let done = Event::new();
            let mut tasks = Tasks::new();
            for number in 0..n {
                let (cell, done) = (&cell, &done);
                let make = async move || {
                    done.wait().await;
                    number
                };
                tasks.waits(async move { *cell.get_or_init(make).await });
            }
            for gone in 0..n - 1 {
                assert_eq!((cell.waiters(), cell.set(9)), (n - 1 - gone, Err(9)));
                tasks.drop(gone);
                if polled {
                    assert_eq!(tasks.run(), []);
                } else {
                    assert_eq!(tasks.woken(), [gone + 1]);
                }
            }
            if !polled {
                assert!(tasks.poll(n - 1).is_pending());
            }
            done.set();
            assert_eq!(tasks.run(), [(n - 1, n - 1)]);
            assert_eq!(cell.get(), Some(&(n - 1)));
        }
    }
}
