//! Mutex, semaphore and lock for readers and writers are one thing: a number, and a line of those who want
//! some of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use ringio::sync::{Mutex, MutexGuard, Permit, ReadGuard, RwLock, Semaphore, WriteGuard};

use super::programs;
use crate::by_hand::Tasks;

#[derive(Clone, Debug)]
enum Step {
    /// Asks for so many, and waits if need be.
    Ask(usize),
    /// Asks for so many now.
    Try(usize),
    /// Gives back what the nth has.
    Give(usize),
    /// Drops the nth that waits or was chosen.
    Leave(usize),
    /// Polls the nth that waits or was chosen.
    Poll(usize),
    /// Polls it with another waker, which is not told apart from the task's.
    PollElsewhere(usize),
    /// Adds some.
    Add(usize),
}

fn step(most: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..=most).prop_map(Step::Ask),
        1 => (1..=most).prop_map(Step::Try),
        4 => (0..9_usize).prop_map(Step::Give),
        2 => (0..9_usize).prop_map(Step::Leave),
        4 => (0..9_usize).prop_map(Step::Poll),
        1 => (0..9_usize).prop_map(Step::PollElsewhere),
        1 => (1..=2_usize).prop_map(Step::Add),
    ]
}

trait Subject {
    type Guard<'a>
    where
        Self: 'a;

    /// How many there are to begin with, and what an amount of a step means.
    fn all(&self) -> usize;
    fn amount(&self, asked: usize) -> usize {
        asked
    }
    fn ask(&self, amount: usize) -> Pin<Box<dyn Future<Output = Self::Guard<'_>> + '_>>;
    fn ask_now(&self, amount: usize) -> Option<Self::Guard<'_>>;
    fn waiters(&self) -> usize;
    /// Whether it could be done.
    fn add(&self, _n: usize) -> bool {
        false
    }
    fn available(&self) -> Option<usize>;
}

impl Subject for Mutex<()> {
    type Guard<'a> = MutexGuard<'a, ()>;

    fn all(&self) -> usize {
        1
    }
    fn ask(&self, _: usize) -> Pin<Box<dyn Future<Output = Self::Guard<'_>> + '_>> {
        Box::pin(self.lock())
    }
    fn ask_now(&self, _: usize) -> Option<Self::Guard<'_>> {
        self.try_lock()
    }
    fn waiters(&self) -> usize {
        Mutex::waiters(self)
    }
    fn available(&self) -> Option<usize> {
        Some(usize::from(!self.is_locked()))
    }
}

impl Subject for Semaphore {
    type Guard<'a> = Permit<'a>;

    fn all(&self) -> usize {
        3
    }
    fn ask(&self, amount: usize) -> Pin<Box<dyn Future<Output = Self::Guard<'_>> + '_>> {
        Box::pin(self.acquire_many(amount))
    }
    fn ask_now(&self, amount: usize) -> Option<Self::Guard<'_>> {
        self.try_acquire_many(amount)
    }
    fn waiters(&self) -> usize {
        Semaphore::waiters(self)
    }
    fn add(&self, n: usize) -> bool {
        self.release(n).is_ok()
    }
    fn available(&self) -> Option<usize> {
        Some(Semaphore::available(self))
    }
}

const WRITER: usize = 1_000;

enum Held<'a> {
    Reads { _guard: ReadGuard<'a, ()> },
    Writes { _guard: WriteGuard<'a, ()> },
}

impl Subject for RwLock<()> {
    type Guard<'a> = Held<'a>;

    fn all(&self) -> usize {
        WRITER
    }
    fn amount(&self, asked: usize) -> usize {
        if asked == 1 { WRITER } else { 1 }
    }
    fn ask(&self, amount: usize) -> Pin<Box<dyn Future<Output = Held<'_>> + '_>> {
        Box::pin(async move {
            match amount {
                WRITER => Held::Writes { _guard: self.write().await },
                _ => Held::Reads { _guard: self.read().await },
            }
        })
    }
    fn ask_now(&self, amount: usize) -> Option<Held<'_>> {
        match amount {
            WRITER => self.try_write().map(|guard| Held::Writes { _guard: guard }),
            _ => self.try_read().map(|guard| Held::Reads { _guard: guard }),
        }
    }
    fn waiters(&self) -> usize {
        RwLock::waiters(self)
    }
    fn available(&self) -> Option<usize> {
        None
    }
}

/// What has to be so.
#[derive(Default)]
struct Model {
    available: usize,
    line: VecDeque<(usize, usize)>,
    chosen: BTreeMap<usize, usize>,
    /// Who was chosen in this step.
    woken: Vec<usize>,
}

impl Model {
    fn take(&mut self, amount: usize) -> bool {
        let takes = self.line.is_empty() && self.available >= amount;
        self.available -= if takes { amount } else { 0 };
        takes
    }

    fn serve(&mut self) {
        while let Some((number, amount)) = self.line.front().copied() {
            if amount > self.available {
                break;
            }
            self.available -= amount;
            self.line.pop_front();
            self.chosen.insert(number, amount);
            self.woken.push(number);
        }
    }

    fn give(&mut self, amount: usize) {
        self.available += amount;
        self.serve();
    }

    /// Those who wait or were chosen, by number.
    fn pending(&self, nth: usize) -> Option<usize> {
        let mut all: Vec<usize> = self
            .line
            .iter()
            .map(|(number, _)| *number)
            .chain(self.chosen.keys().copied())
            .collect();
        all.sort_unstable();
        all.get(nth % all.len().max(1)).copied()
    }
}

fn check<S: Subject>(subject: S, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut model = Model { available: subject.all(), ..Model::default() };
    let held = RefCell::new(VecDeque::new());
    let mut tasks = Tasks::new();
    for step in steps {
        match step {
            Step::Ask(asked) => {
                let amount = subject.amount(asked);
                let number = tasks.add(subject.ask(amount));
                match tasks.poll(number) {
                    Poll::Ready(guard) => {
                        prop_assert!(model.take(amount));
                        held.borrow_mut().push_back((amount, guard));
                    }
                    Poll::Pending => {
                        prop_assert!(!model.take(amount));
                        model.line.push_back((number, amount));
                    }
                }
            }
            Step::Try(asked) => {
                let amount = subject.amount(asked);
                let guard = subject.ask_now(amount);
                prop_assert_eq!(guard.is_some(), model.take(amount));
                held.borrow_mut().extend(guard.map(|guard| (amount, guard)));
            }
            Step::Give(nth) => {
                let nth = nth % held.borrow().len().max(1);
                let given = held.borrow_mut().remove(nth);
                if let Some((amount, guard)) = given {
                    drop(guard);
                    model.give(amount);
                }
            }
            Step::Leave(nth) => {
                if let Some(number) = model.pending(nth) {
                    tasks.drop(number);
                    model.line.retain(|(waiter, _)| *waiter != number);
                    let back = model.chosen.remove(&number).unwrap_or(0);
                    model.give(back);
                }
            }
            Step::Poll(nth) | Step::PollElsewhere(nth) => {
                if let Some(number) = model.pending(nth) {
                    let chosen = model.chosen.remove(&number);
                    let polled = match step {
                        Step::Poll(_) => tasks.poll(number),
                        // The poll that follows puts the task's own waker back.
                        _ => match tasks.poll_with(number, std::task::Waker::noop()) {
                            Poll::Pending => tasks.poll(number),
                            ready => ready,
                        },
                    };
                    prop_assert_eq!(polled.is_ready(), chosen.is_some());
                    if let (Poll::Ready(guard), Some(amount)) = (polled, chosen) {
                        held.borrow_mut().push_back((amount, guard));
                    }
                }
            }
            Step::Add(n) => {
                if subject.add(n) {
                    model.give(n);
                }
            }
        }
        prop_assert_eq!(tasks.woken(), std::mem::take(&mut model.woken));
        prop_assert_eq!(subject.waiters(), model.line.len());
        if let Some(available) = subject.available() {
            prop_assert_eq!(available, model.available);
        }
    }
    // Everything is given back until nobody has anything: whoever can have his turn has it, in order.
    loop {
        let back = held.take();
        let amount = back.iter().map(|(amount, _)| amount).sum();
        // One by one, as they were got.
        back.into_iter().for_each(drop);
        model.give(amount);
        if model.chosen.is_empty() {
            break;
        }
        for (number, amount) in std::mem::take(&mut model.chosen) {
            let Poll::Ready(guard) = tasks.poll(number) else {
                return Err(TestCaseError::fail("it was chosen and is not ready"));
            };
            held.borrow_mut().push_back((amount, guard));
        }
    }
    prop_assert_eq!(subject.waiters(), model.line.len());
    prop_assert!(model.line.front().is_none_or(|(_, amount)| *amount > model.available));
    Ok(())
}

#[test]
fn a_mutex_does_as_the_model() {
    programs(step(1), |steps| check(Mutex::new(()), steps));
}

#[test]
fn a_semaphore_does_as_the_model() {
    programs(step(4), |steps| check(Semaphore::new(3), steps));
}

#[test]
fn a_bounded_semaphore_does_as_the_model() {
    programs(step(3), |steps| {
        let steps = steps.into_iter().filter(|step| !matches!(step, Step::Add(_))).collect();
        check(Semaphore::bounded(3), steps)
    });
}

#[test]
fn a_lock_for_readers_and_writers_does_as_the_model() {
    programs(step(3), |steps| check(RwLock::new(()), steps));
}
