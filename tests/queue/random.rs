//! Random programs, step by step beside the model.

use proptest::collection::vec;
use proptest::prelude::*;
use ringio::queue::{Shutdown, TryGetError, TryPutError};

use super::hand::Hand;
use super::kind::{Item, Kind, each_kind};
use super::model::{Model, Outcome};
use super::support::repetitions;

#[derive(Clone, Copy, Debug)]
enum Step {
    Put(u32),
    Get,
    Join,
    TryPut(u32),
    TryGet,
    /// Polls somebody who waits, woken or not.
    Poll(usize),
    Drop(usize),
    /// Polls who was woken.
    Run,
    Done,
    Shutdown(Shutdown),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_u32).prop_map(Step::Put),
        6 => Just(Step::Get),
        1 => Just(Step::Join),
        3 => (0..4_u32).prop_map(Step::TryPut),
        3 => Just(Step::TryGet),
        3 => any::<usize>().prop_map(Step::Poll),
        4 => any::<usize>().prop_map(Step::Drop),
        3 => Just(Step::Run),
        3 => Just(Step::Done),
    ]
}

/// Steps of an open queue, and then some behind its end.
fn program() -> impl Strategy<Value = (usize, Vec<Step>)> {
    let capacity = prop_oneof![0..4_usize, Just(usize::MAX)];
    let end = prop_oneof![Just(Shutdown::Drain), Just(Shutdown::Now)];
    let ends = vec((end.prop_map(Step::Shutdown), vec(step(), 0..6)), 0..3);
    (capacity, vec(step(), 0..60), ends).prop_map(|(capacity, mut steps, ends)| {
        for (end, behind) in ends {
            steps.push(end);
            steps.extend(behind);
        }
        (capacity, steps)
    })
}

struct Pair<'a, K> {
    queue: &'a K,
    hand: Hand<'a, Outcome>,
    model: Model,
    waiting: Vec<usize>,
    items: u32,
}

impl<'a, K: Kind> Pair<'a, K> {
    fn item(&mut self, key: u32) -> Item {
        self.items += 1;
        Item { key, number: self.items }
    }

    /// Both started it; they must agree on what became of it.
    fn started(&mut self, number: usize, expected: Option<Outcome>) {
        assert_eq!(self.hand.output(number), expected);
        if expected.is_none() {
            self.waiting.push(number);
        }
    }

    fn poll(&mut self, number: usize) {
        let expected = self.model.poll(number);
        self.hand.poll(number);
        assert_eq!(self.hand.output(number), expected);
        if expected.is_some() {
            self.waiting.retain(|waiting| *waiting != number);
        }
    }

    fn pick(&self, at: usize) -> Option<usize> {
        (!self.waiting.is_empty()).then(|| self.waiting[at % self.waiting.len()])
    }

    fn step(&mut self, step: Step) {
        let queue = self.queue;
        match step {
            Step::Put(key) => {
                let item = self.item(key);
                let number = self.hand.start(async move {
                    match queue.put(item).await {
                        Ok(()) => Outcome::Put,
                        Err(error) => Outcome::Refused(error.into_inner()),
                    }
                });
                let expected = self.model.put(number, item);
                self.started(number, expected);
            }
            Step::Get => {
                let number = self
                    .hand
                    .start(async move { queue.get().await.map_or(Outcome::Ended, Outcome::Got) });
                let expected = self.model.get(number);
                self.started(number, expected);
            }
            Step::Join => {
                let number = self.hand.start(async move {
                    queue.join().await;
                    Outcome::Joined
                });
                let expected = self.model.join(number);
                self.started(number, expected);
            }
            Step::TryPut(key) => {
                let item = self.item(key);
                let outcome = match queue.try_put(item) {
                    Ok(()) => Outcome::Put,
                    Err(TryPutError::Full(item) | TryPutError::ShutDown(item)) => {
                        Outcome::Refused(item)
                    }
                };
                assert_eq!(outcome, self.model.try_put(item));
            }
            Step::TryGet => {
                let got = queue.try_get();
                assert_eq!(got.ok(), self.model.try_get());
                if got == Err(TryGetError::ShutDown) {
                    assert!(matches!(queue.try_put(self.item(0)), Err(TryPutError::ShutDown(_))));
                }
            }
            Step::Poll(at) => self.pick(at).into_iter().for_each(|number| self.poll(number)),
            Step::Drop(at) => {
                if let Some(number) = self.pick(at) {
                    self.hand.drop(number);
                    self.model.drop(number);
                    self.waiting.retain(|waiting| *waiting != number);
                }
            }
            Step::Run => self.run(),
            Step::Done => assert_eq!(queue.task_done().is_ok(), self.model.task_done()),
            Step::Shutdown(how) => {
                queue.shutdown(how);
                self.model.shutdown(how);
            }
        }
        let model = (self.model.len(), self.model.is_full());
        assert_eq!((queue.len(), queue.is_full()), model);
        let model = (self.model.getters.len(), self.model.putters.len());
        assert_eq!((queue.getters(), queue.putters()), model);
    }

    /// Polls who was woken; then nobody is left who need not wait.
    fn run(&mut self) {
        loop {
            let woken = self.hand.woken();
            if woken.is_empty() {
                break;
            }
            for number in woken {
                if self.waiting.contains(&number) {
                    assert!(self.model.is_ready(number), "{number} was woken for nothing");
                    self.poll(number);
                }
            }
        }
        let hangs = self.waiting.iter().find(|number| self.model.is_ready(**number));
        assert_eq!(hangs, None, "somebody was not woken");
    }
}

fn agree<K: Kind>() {
    let mut config = ProptestConfig::with_cases(repetitions(500).end as u32);
    config.failure_persistence = None;
    proptest!(config, |((capacity, steps) in program())| {
        let queue = K::bounded(capacity);
        let (hand, model) = (Hand::new(), Model::new(K::ORDER, capacity));
        let mut pair = Pair { queue: &queue, hand, model, waiting: Vec::new(), items: 0 };
        steps.into_iter().for_each(|step| pair.step(step));
        pair.step(Step::Run);
        // All that is left comes out, in the same order.
        while pair.queue.len() + pair.queue.putters() > 0 {
            pair.step(Step::TryGet);
            pair.step(Step::Run);
        }
    });
}

#[test]
fn random_programs_do_what_the_model_does() {
    each_kind!(agree);
}
