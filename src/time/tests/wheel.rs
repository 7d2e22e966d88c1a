//! The wheel against a sorted map, with the real clock's ticks and the manual clock's.

use std::collections::BTreeMap;

use super::{Log, Random};
use crate::time::wheel::Wheel;
use crate::util::{Key, WakeBatch};

const TICK_BITS: [u32; 3] = [16, 10, 0];

/// A wheel beside what it should hold.
struct Pair {
    wheel: Wheel,
    now: u64,
    tick_bits: u32,
    /// By arming: what is armed.
    model: BTreeMap<usize, (u64, Key)>,
    armed: usize,
    log: Log,
}

impl Pair {
    fn new(now: u64, tick_bits: u32) -> Self {
        let wheel = Wheel::new(now, tick_bits);
        Pair { wheel, now, tick_bits, model: BTreeMap::new(), armed: 0, log: Log::default() }
    }

    fn arm(&mut self, deadline: u64) -> usize {
        let id = self.armed;
        self.armed += 1;
        let key = self.wheel.arm(deadline, deadline <= self.now, self.log.waker(id)).unwrap();
        self.model.insert(id, (deadline, key));
        id
    }

    fn cancel(&mut self, id: usize) {
        let (_, key) = self.model.remove(&id).unwrap();
        assert!(self.wheel.cancel(key).is_some());
        assert!(self.wheel.cancel(key).is_none(), "cancelled twice");
    }

    fn move_to(&mut self, id: usize, deadline: u64) {
        let (_, key) = self.model.remove(&id).unwrap();
        assert!(self.wheel.move_to(key, deadline, deadline <= self.now));
        // It stands behind those that were armed before now, but keeps its waker's name.
        self.model.insert(id, (deadline, key));
    }

    fn tick(&self, deadline: u64) -> u64 {
        deadline >> self.tick_bits
    }

    /// Fires at `now` and checks against the model; gives what fired.
    fn fire(&mut self, now: u64) -> Vec<usize> {
        self.now = now;
        let mut wakes = WakeBatch::default();
        let count = self.wheel.fire(now, &mut wakes);
        wakes.wake_all();
        let fired = self.log.take();
        assert_eq!(fired.len(), count);
        for id in &fired {
            let (deadline, key) = self.model.remove(id).expect("fired though not armed");
            assert!(deadline <= now, "early by {}", deadline - now);
            assert!(self.wheel.cancel(key).is_none(), "fired and still there");
        }
        for (deadline, _) in self.model.values() {
            let late = *deadline <= now && self.tick(*deadline) < self.tick(now);
            assert!(!late, "{deadline} missed at {now}");
        }
        assert_eq!(self.wheel.len(), self.model.len());
        self.check_next();
        fired
    }

    /// Whoever looks again at `next` is late by no more than a tick.
    fn check_next(&self) {
        let earliest = self.model.values().map(|(deadline, _)| *deadline).min();
        let (Some(earliest), Some(next)) = (earliest, self.wheel.next()) else {
            assert_eq!(earliest, self.wheel.next());
            return;
        };
        assert!(self.tick(next) <= self.tick(earliest).max(self.tick(self.now)));
        if self.tick_bits == 0 {
            assert!(next <= earliest.max(self.now));
        }
    }

    /// Looks only when told to, until nothing is left; gives how often it looked.
    fn drain(&mut self) -> usize {
        let mut looks = 0;
        while let Some(next) = self.wheel.next() {
            self.fire(next.max(self.now));
            looks += 1;
        }
        assert!(self.model.is_empty());
        looks
    }
}

#[test]
fn random_timers_fire_as_in_a_sorted_map() {
    for tick_bits in TICK_BITS {
        for seed in 1..=40 {
            let mut random = Random(seed);
            let mut pair = Pair::new(random.magnitude(50), tick_bits);
            for _ in 0..1000 {
                let ids = pair.armed as u64;
                match random.below(10) {
                    0..5 => {
                        let deadline = pair.now + random.magnitude(45);
                        pair.arm(deadline);
                    }
                    5..7 => {
                        let id = random.below(ids + 1) as usize;
                        if pair.model.contains_key(&id) {
                            pair.cancel(id);
                        }
                    }
                    7 => {
                        let id = random.below(ids + 1) as usize;
                        let deadline = (pair.now + random.magnitude(40)).saturating_sub(1000);
                        if pair.model.contains_key(&id) {
                            pair.move_to(id, deadline);
                        }
                    }
                    8 => {
                        let now = pair.wheel.next().unwrap_or(0).max(pair.now);
                        pair.fire(now);
                    }
                    _ => {
                        let now = pair.now + random.magnitude(40);
                        pair.fire(now);
                    }
                }
                pair.check_next();
            }
            pair.drain();
        }
    }
}

#[test]
fn order_is_by_tick_and_then_by_arming() {
    for tick_bits in TICK_BITS {
        let mut random = Random(7);
        let mut pair = Pair::new(1 << 40, tick_bits);
        let deadlines: Vec<u64> =
            (0..5000).map(|_| pair.now + 1 + random.magnitude(36) / 3).collect();
        for deadline in deadlines.iter().chain(&deadlines) {
            pair.arm(*deadline);
        }
        let mut fired = Vec::new();
        while let Some(next) = pair.wheel.next() {
            let now = next + random.magnitude(30);
            fired.extend(pair.fire(now.max(pair.now)));
        }
        let mut sorted = fired.clone();
        sorted.sort_by_key(|id| (deadlines[id % 5000] >> tick_bits, *id));
        assert_eq!(fired, sorted);
    }
}

/// Deadlines around every edge at which a digit of the tick changes, armed from different places.
#[test]
fn edges_of_every_level() {
    for tick_bits in TICK_BITS {
        let edges =
            (tick_bits..63).map(|bit| 1_u64 << bit).flat_map(|edge| [edge, edge / 64 * 63 + 1]);
        let edges: Vec<u64> = edges.flat_map(|edge| [edge - 1, edge, edge + 1]).collect();
        for start in [0, 1, (1 << 22) - 1, 1 << 22, (1 << 34) + 12345, (1 << 46) - 1] {
            let mut pair = Pair::new(start, tick_bits);
            for edge in edges.iter().filter(|edge| **edge > start) {
                pair.arm(*edge);
            }
            pair.drain();
            // And one by one: alone, it fires at the very nanosecond.
            for edge in edges.iter().filter(|edge| **edge > start) {
                let mut pair = Pair::new(start, tick_bits);
                pair.arm(*edge);
                if *edge > start + 1 {
                    assert_eq!(pair.fire(edge - 1), []);
                }
                assert_eq!(pair.wheel.next(), Some(*edge));
                assert_eq!(pair.fire(*edge), [0]);
            }
        }
    }
}

#[test]
fn a_far_timer_costs_few_looks() {
    const YEAR: u64 = 365 * 24 * 3600 * 1_000_000_000;
    for tick_bits in TICK_BITS {
        for far in [YEAR, 100 * YEAR, 500 * YEAR, u64::MAX - 1] {
            let mut pair = Pair::new(123_456_789, tick_bits);
            pair.arm(far);
            assert!(pair.drain() <= 1);
            // With others that are cancelled, which leave marks behind that are too early.
            let mut pair = Pair::new(123_456_789, tick_bits);
            pair.arm(far);
            let others: Vec<usize> =
                (1..60).map(|bit| pair.arm((far >> bit) + (1 << 30))).collect();
            others.into_iter().for_each(|id| pair.cancel(id));
            assert!(pair.drain() <= 12);
        }
    }
}

/// A loop that is woken by other things all the time finds the timers where they belong.
#[test]
fn firing_too_often_changes_nothing() {
    for tick_bits in TICK_BITS {
        let step = 1000 << tick_bits;
        let mut pair = Pair::new(99, tick_bits);
        for n in 1..=500 {
            pair.arm(99 + n * step / 3);
        }
        let mut fired = Vec::new();
        while !pair.model.is_empty() {
            fired.extend(pair.fire(pair.now + step / 100));
        }
        assert!(fired.is_sorted());
    }
}

#[test]
fn cancel_in_random_order() {
    for tick_bits in TICK_BITS {
        let mut random = Random(3);
        let mut pair = Pair::new(1 << 30, tick_bits);
        let mut ids: Vec<usize> = (0..100_000)
            .map(|_| {
                let deadline = pair.now + random.magnitude(40);
                pair.arm(deadline)
            })
            .collect();
        for n in (1..ids.len()).rev() {
            ids.swap(n, random.below(n as u64 + 1) as usize);
        }
        ids.into_iter().for_each(|id| pair.cancel(id));
        assert_eq!((pair.wheel.len(), pair.wheel.next()), (0, None));
        assert_eq!(pair.fire(u64::MAX), []);
    }
}

/// What was past when armed fires at once, whatever stands in the present tick.
#[test]
fn the_past_does_not_wait_for_the_tick() {
    let mut pair = Pair::new(1 << 30, 16);
    let later = pair.arm(pair.now + 60_000);
    let past = pair.arm(pair.now - 5);
    assert_eq!(pair.wheel.next(), Some(pair.now));
    assert_eq!(pair.fire(pair.now), [past]);
    assert_eq!(pair.wheel.next(), Some(pair.now + 60_000));
    assert_eq!(pair.fire(pair.now + 60_000), [later]);
}

/// A clock that seems to run backwards (a turn's older reading) does no harm.
#[test]
fn an_older_now_is_ignored() {
    let mut pair = Pair::new(0, 16);
    pair.fire(1 << 40);
    pair.wheel.fire(5, &mut WakeBatch::default());
    pair.arm((1 << 40) + 70_000);
    pair.drain();
}
