//! Every small number of waiters, every one of them dropped at every moment, every number of turns:
//! what gives one turn at a time. Nobody is lost, nobody overtakes, nobody is polled in vain, nothing hangs.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use ringio::sync::{Condition, Mutex, Notify, RwLock, Semaphore};

use super::by_hand::Tasks;

const MOST: usize = 5;

/// What gives one turn for each release.
struct Kind {
    wait: Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>,
    release: Box<dyn Fn()>,
    /// How many turns it keeps when nobody waits.
    keeps: usize,
    /// How many it has kept, where that can be seen.
    kept: Box<dyn Fn() -> Option<usize>>,
    waiters: Box<dyn Fn() -> usize>,
    /// Whether it can be released again before the one whose turn it is has run.
    ahead: bool,
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn mutex() -> Kind {
    let mutex = leak(Mutex::new(()));
    let held = Rc::new(RefCell::new(VecDeque::from([mutex.try_lock().unwrap()])));
    let wait = {
        let held = held.clone();
        move || {
            let held = held.clone();
            Box::pin(async move {
                let got = mutex.lock().await;
                held.borrow_mut().push_back(got);
            }) as Pin<Box<_>>
        }
    };
    let release = move || {
        let guard = held.borrow_mut().pop_front();
        drop(guard);
    };
    Kind {
        wait: Box::new(wait),
        release: Box::new(release),
        keeps: 1,
        kept: Box::new(|| Some(usize::from(!mutex.is_locked()))),
        waiters: Box::new(|| mutex.waiters()),
        ahead: false,
    }
}

fn writers() -> Kind {
    let lock = leak(RwLock::new(()));
    let held = Rc::new(RefCell::new(VecDeque::from([lock.try_write().unwrap()])));
    let wait = {
        let held = held.clone();
        move || {
            let held = held.clone();
            Box::pin(async move {
                let got = lock.write().await;
                held.borrow_mut().push_back(got);
            }) as Pin<Box<_>>
        }
    };
    let release = move || {
        let guard = held.borrow_mut().pop_front();
        drop(guard);
    };
    Kind {
        wait: Box::new(wait),
        release: Box::new(release),
        keeps: 1,
        kept: Box::new(|| Some(usize::from(lock.try_write().is_some()))),
        waiters: Box::new(|| lock.waiters()),
        ahead: false,
    }
}

fn semaphore() -> Kind {
    let semaphore = leak(Semaphore::new(0));
    Kind {
        wait: Box::new(|| Box::pin(async { semaphore.acquire().await.forget() })),
        release: Box::new(|| semaphore.release(1).unwrap()),
        keeps: usize::MAX,
        kept: Box::new(|| Some(semaphore.available())),
        waiters: Box::new(|| semaphore.waiters()),
        ahead: true,
    }
}

/// Who has run gives its permit back, as who holds a mutex does.
fn permits() -> Kind {
    let semaphore = leak(Semaphore::bounded(1));
    let held = Rc::new(RefCell::new(VecDeque::from([semaphore.try_acquire().unwrap()])));
    let wait = {
        let held = held.clone();
        move || {
            let held = held.clone();
            let wait = async move {
                let got = semaphore.acquire().await;
                held.borrow_mut().push_back(got);
            };
            Box::pin(wait) as Pin<Box<_>>
        }
    };
    let release = move || {
        let permit = held.borrow_mut().pop_front();
        drop(permit);
    };
    Kind {
        wait: Box::new(wait),
        release: Box::new(release),
        keeps: 1,
        kept: Box::new(|| Some(semaphore.available())),
        waiters: Box::new(|| semaphore.waiters()),
        ahead: false,
    }
}

fn notify() -> Kind {
    let notify = leak(Notify::new());
    Kind {
        wait: Box::new(|| Box::pin(notify.notified())),
        release: Box::new(|| notify.notify_one()),
        keeps: 1,
        kept: Box::new(|| None),
        waiters: Box::new(|| notify.waiters()),
        ahead: true,
    }
}

fn condition() -> Kind {
    let (mutex, condition) = (leak(Mutex::new(())), leak(Condition::new()));
    Kind {
        wait: Box::new(|| Box::pin(async { drop(condition.wait(mutex.lock().await).await) })),
        release: Box::new(|| condition.notify(1)),
        keeps: 0,
        kept: Box::new(|| None),
        waiters: Box::new(|| condition.waiters()),
        ahead: true,
    }
}

/// What has to happen.
struct Model {
    waiting: VecDeque<usize>,
    granted: VecDeque<usize>,
    kept: usize,
    keeps: usize,
}

impl Model {
    fn release(&mut self) {
        match self.waiting.pop_front() {
            Some(first) => self.granted.push_back(first),
            None => self.kept = (self.kept + 1).min(self.keeps),
        }
    }

    fn drop(&mut self, number: usize) {
        self.waiting.retain(|waiter| *waiter != number);
        if let Some(at) = self.granted.iter().position(|waiter| *waiter == number) {
            self.granted.remove(at);
            self.release();
        }
    }

    fn run(&mut self) -> Vec<usize> {
        self.granted.drain(..).collect()
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    n: usize,
    k: usize,
    m: usize,
    /// Before which release, or after which, waiter k is dropped.
    at: usize,
    late: bool,
    /// Whether those whose turn it is run after each release, or after the last.
    each: bool,
}

fn check(kind: &Kind, case: Case) {
    let Case { n, k, m, at, late, each } = case;
    let mut tasks = Tasks::new();
    let mut model =
        Model { waiting: (0..n).collect(), granted: VecDeque::new(), kept: 0, keeps: kind.keeps };
    for _ in 0..n {
        tasks.waits((kind.wait)());
    }
    let mut ended = Vec::new();
    let mut expected = Vec::new();
    for step in 0..=m {
        let leave = |tasks: &mut Tasks<'_, ()>, model: &mut Model| {
            tasks.drop(k);
            model.drop(k);
        };
        if step == at && !late {
            leave(&mut tasks, &mut model);
        }
        if step < m {
            (kind.release)();
            model.release();
        }
        if step == at && late {
            leave(&mut tasks, &mut model);
        }
        if each || step == m {
            ended.extend(tasks.ended());
            expected.extend(model.run());
        }
    }
    assert_eq!(ended, expected, "{case:?}");
    assert_eq!((kind.waiters)(), model.waiting.len(), "{case:?}");
    if let Some(kept) = (kind.kept)() {
        assert_eq!(kept, model.kept, "{case:?}");
    }
    for number in 0..n {
        let polls = 1 + u32::from(ended.contains(&number));
        assert_eq!(tasks.polls[number], polls, "{case:?}");
    }
    // With turns for all of them nobody is left.
    for _ in 0..n {
        (kind.release)();
        ended.extend(tasks.ended());
    }
    let rest = (0..n).filter(|number| *number != k || expected.contains(number));
    assert_eq!(ended, rest.collect::<Vec<_>>(), "{case:?}");
    assert_eq!((kind.waiters)(), 0, "{case:?}");
}

fn check_all(kind: impl Fn() -> Kind) {
    let cases = Cell::new(0);
    for n in 1..=MOST {
        for (k, m) in (0..n).flat_map(|k| (0..=n + 1).map(move |m| (k, m))) {
            for (at, late) in (0..=m).flat_map(|at| [(at, false), (at, true)]) {
                for each in [true, false] {
                    let kind = kind();
                    if each || kind.ahead {
                        check(&kind, Case { n, k, m, at, late, each });
                        cases.set(cases.get() + 1);
                    }
                }
            }
        }
    }
    assert!(cases.get() > 500);
}

#[test]
fn mutex_for_every_waiter_dropped_at_every_moment() {
    check_all(mutex);
}

#[test]
fn writers_for_every_waiter_dropped_at_every_moment() {
    check_all(writers);
}

#[test]
fn semaphore_for_every_waiter_dropped_at_every_moment() {
    check_all(semaphore);
}

#[test]
fn permits_for_every_waiter_dropped_at_every_moment() {
    check_all(permits);
}

#[test]
fn notify_for_every_waiter_dropped_at_every_moment() {
    check_all(notify);
}

#[test]
fn condition_for_every_waiter_dropped_at_every_moment() {
    check_all(condition);
}
