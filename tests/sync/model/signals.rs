//! What wakes one or all: event, notify, condition, barrier.

use std::collections::{BTreeMap, VecDeque};
use std::task::Poll;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use ringio::sync::{Barrier, BrokenBarrier, Condition, Event, Mutex, Notify};

use super::programs;
use crate::by_hand::Tasks;

#[derive(Clone, Debug)]
enum Step {
    Wait,
    Leave(usize),
    Poll(usize),
    /// What lets one go, or many.
    One,
    Some(usize),
    All,
    /// Clears, or resets.
    Undo,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Wait),
        2 => (0..9_usize).prop_map(Step::Leave),
        4 => (0..9_usize).prop_map(Step::Poll),
        3 => Just(Step::One),
        1 => (0..4_usize).prop_map(Step::Some),
        1 => Just(Step::All),
        1 => Just(Step::Undo),
    ]
}

/// Those who wait, and those who were chosen with what they will get.
struct Model<T> {
    line: VecDeque<usize>,
    chosen: BTreeMap<usize, T>,
    woken: Vec<usize>,
}

impl<T> Model<T> {
    fn new() -> Model<T> {
        Model { line: VecDeque::new(), chosen: BTreeMap::new(), woken: Vec::new() }
    }

    fn choose(&mut self, word: T) -> bool {
        let Some(first) = self.line.pop_front() else { return false };
        self.chosen.insert(first, word);
        self.woken.push(first);
        true
    }

    fn pending(&self, nth: usize) -> Option<usize> {
        let mut all: Vec<usize> =
            self.line.iter().copied().chain(self.chosen.keys().copied()).collect();
        all.sort_unstable();
        all.get(nth % all.len().max(1)).copied()
    }

    /// Drops one, and gives what it was chosen with.
    fn leave<O>(&mut self, nth: usize, tasks: &mut Tasks<'_, O>) -> Option<T> {
        let number = self.pending(nth)?;
        tasks.drop(number);
        self.line.retain(|waiter| *waiter != number);
        self.chosen.remove(&number)
    }

    /// Polls one: it is ready if it was chosen.
    fn poll<O>(
        &mut self,
        nth: usize,
        tasks: &mut Tasks<'_, O>,
    ) -> Result<Option<(O, T)>, TestCaseError> {
        let Some(number) = self.pending(nth) else { return Ok(None) };
        match (tasks.poll(number), self.chosen.remove(&number)) {
            (Poll::Ready(output), Some(word)) => Ok(Some((output, word))),
            (Poll::Pending, None) => Ok(None),
            (polled, _) => Err(TestCaseError::fail(format!("ready: {}", polled.is_ready()))),
        }
    }

    fn check<O>(&mut self, waiters: usize, tasks: &mut Tasks<'_, O>) -> Result<(), TestCaseError> {
        prop_assert_eq!(tasks.woken(), std::mem::take(&mut self.woken));
        prop_assert_eq!(waiters, self.line.len());
        Ok(())
    }
}

#[test]
fn an_event_does_as_the_model() {
    programs(step(), |steps| {
        let event = Event::new();
        let (mut tasks, mut model) = (Tasks::new(), Model::new());
        let mut set = false;
        for step in steps {
            match step {
                Step::Wait => {
                    let number = tasks.add(event.wait());
                    prop_assert_eq!(tasks.poll(number).is_ready(), set);
                    if !set {
                        model.line.push_back(number);
                    }
                }
                Step::Leave(nth) => drop(model.leave(nth, &mut tasks)),
                Step::Poll(nth) => drop(model.poll(nth, &mut tasks)?),
                Step::One | Step::Some(_) => {}
                Step::All => {
                    event.set();
                    set = true;
                    while model.choose(()) {}
                }
                Step::Undo => {
                    event.clear();
                    set = false;
                }
            }
            prop_assert_eq!(event.is_set(), set);
            model.check(event.waiters(), &mut tasks)?;
        }
        Ok(())
    });
}

#[test]
fn a_notify_does_as_the_model() {
    programs(step(), |steps| {
        let notify = Notify::new();
        let (mut tasks, mut model) = (Tasks::new(), Model::new());
        let mut kept = false;
        for step in steps {
            match step {
                Step::Wait => {
                    let number = tasks.add(notify.notified());
                    prop_assert_eq!(tasks.poll(number).is_ready(), kept);
                    if !std::mem::take(&mut kept) {
                        model.line.push_back(number);
                    }
                }
                Step::Leave(nth) => {
                    if model.leave(nth, &mut tasks) == Some(true) && !model.choose(true) {
                        kept = true;
                    }
                }
                Step::Poll(nth) => drop(model.poll(nth, &mut tasks)?),
                Step::One => {
                    notify.notify_one();
                    kept |= !model.choose(true);
                }
                Step::All => {
                    notify.notify_all();
                    while model.choose(false) {}
                }
                Step::Some(_) | Step::Undo => {}
            }
            model.check(notify.waiters(), &mut tasks)?;
        }
        Ok(())
    });
}

/// The lock is free whenever a step begins: who was notified has it at once.
#[test]
fn a_condition_does_as_the_model() {
    programs(step(), |steps| {
        let (mutex, condition) = (Mutex::new(()), Condition::new());
        let (mut tasks, mut model) = (Tasks::new(), Model::new());
        for step in steps {
            match step {
                Step::Wait => {
                    let wait = async { drop(condition.wait(mutex.lock().await).await) };
                    model.line.push_back(tasks.waits(wait));
                }
                Step::Leave(nth) => {
                    if model.leave(nth, &mut tasks) == Some(true) {
                        model.choose(true);
                    }
                }
                Step::Poll(nth) => drop(model.poll(nth, &mut tasks)?),
                Step::One => {
                    condition.notify(1);
                    model.choose(true);
                }
                Step::Some(n) => {
                    condition.notify(n);
                    for _ in 0..n {
                        model.choose(true);
                    }
                }
                Step::All => {
                    condition.notify_all();
                    while model.choose(false) {}
                }
                Step::Undo => {}
            }
            prop_assert!(!mutex.is_locked());
            model.check(condition.waiters(), &mut tasks)?;
        }
        Ok(())
    });
}

#[test]
fn a_barrier_does_as_the_model() {
    const PARTIES: usize = 3;
    programs(step(), |steps| {
        let barrier = Barrier::new(PARTIES);
        let (mut tasks, mut model) = (Tasks::new(), Model::new());
        let mut broken = false;
        for step in steps {
            match step {
                Step::Wait => {
                    let number = tasks.add(barrier.wait());
                    let expected = if broken {
                        Poll::Ready(Err(BrokenBarrier))
                    } else if model.line.len() + 1 == PARTIES {
                        for index in 0..PARTIES - 1 {
                            model.choose(Ok(index));
                        }
                        Poll::Ready(Ok(PARTIES - 1))
                    } else {
                        model.line.push_back(number);
                        Poll::Pending
                    };
                    prop_assert_eq!(tasks.poll(number), expected);
                }
                Step::Leave(nth) => drop(model.leave(nth, &mut tasks)),
                Step::Poll(nth) => {
                    if let Some((index, expected)) = model.poll(nth, &mut tasks)? {
                        prop_assert_eq!(index, expected);
                    }
                }
                Step::One | Step::Some(_) => {}
                Step::All | Step::Undo => {
                    broken = matches!(step, Step::All);
                    if broken {
                        barrier.abort()
                    } else {
                        barrier.reset()
                    }
                    while model.choose(Err(BrokenBarrier)) {}
                }
            }
            prop_assert_eq!(barrier.is_broken(), broken);
            model.check(barrier.waiters(), &mut tasks)?;
        }
        Ok(())
    });
}
