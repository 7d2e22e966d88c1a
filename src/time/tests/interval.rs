//! Intervals on a manual clock, where every tick is exact.

use std::pin::pin;
use std::task::Context;
use std::time::Duration;

use super::{Flag, Loop, ms, ns};
use crate::time::{Instant, Interval, MissedTick, interval, interval_at, sleep};
use crate::util::budget;

#[test]
fn the_first_tick_comes_at_once_and_the_rest_on_time() {
    let l = Loop::new();
    l.run(async {
        let start = Instant::now();
        let mut interval = interval(ms(10));
        for n in 0..100 {
            assert_eq!(interval.tick().await, start + n * ms(10));
            assert_eq!(start.elapsed(), n * ms(10));
        }
    });
}

#[test]
fn made_outside_it_starts_with_the_first_tick() {
    let l = Loop::new();
    let mut interval = interval(ms(10));
    l.clock.advance(ms(500));
    let start = l.now();
    assert_eq!(l.run(interval.tick()), start);
    assert_eq!(l.run(interval.tick()), start + ms(10));
    assert_eq!(l.now(), start + ms(10));
}

/// Takes a tick, is away for 35 ms, and then gives when the ticks were due and when they came.
fn ticks_after_an_absence(missed: MissedTick) -> Vec<(u128, u128)> {
    let l = Loop::new();
    l.run(async {
        let start = Instant::now();
        let mut interval = interval_at(start, ms(10));
        interval.set_missed_tick(missed);
        interval.tick().await;
        sleep(ms(35)).await;
        let mut ticks = Vec::new();
        for _ in 0..5 {
            let due = interval.tick().await - start;
            ticks.push((due.as_millis(), start.elapsed().as_millis()));
        }
        ticks
    })
}

#[test]
fn missed_ticks() {
    let burst = [(10, 35), (20, 35), (30, 35), (40, 40), (50, 50)];
    assert_eq!(ticks_after_an_absence(MissedTick::Burst), burst);
    let delay = [(10, 35), (45, 45), (55, 55), (65, 65), (75, 75)];
    assert_eq!(ticks_after_an_absence(MissedTick::Delay), delay);
    let skip = [(10, 35), (40, 40), (50, 50), (60, 60), (70, 70)];
    assert_eq!(ticks_after_an_absence(MissedTick::Skip), skip);
}

/// Exactly on the next tick: that one lies ahead no more.
#[test]
fn skip_at_the_very_edge() {
    let l = Loop::new();
    l.run(async {
        let start = Instant::now();
        let mut interval = interval_at(start, ms(10));
        interval.set_missed_tick(MissedTick::Skip);
        sleep(ms(20)).await;
        assert_eq!(interval.tick().await, start);
        assert_eq!(interval.tick().await, start + ms(30));
        assert_eq!(start.elapsed(), ms(30));
    });
}

#[test]
fn a_dropped_tick_is_not_lost() {
    let l = Loop::new();
    let (_, waker) = Flag::new();
    l.run(async {
        let start = Instant::now();
        let mut interval = interval_at(start + ms(10), ms(10));
        for _ in 0..3 {
            let polled = pin!(interval.tick()).poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        assert_eq!(interval.tick().await, start + ms(10));
        sleep(ms(25)).await;
        assert_eq!(interval.tick().await, start + ms(20));
    });
}

#[test]
fn reset_puts_the_next_tick_a_period_ahead() {
    let l = Loop::new();
    l.run(async {
        let start = Instant::now();
        let mut interval = interval(ms(10));
        interval.reset();
        assert_eq!(interval.tick().await, start + ms(10));
        sleep(ms(3)).await;
        interval.reset();
        assert_eq!(interval.tick().await, start + ms(23));
    });
}

/// An interval far behind is always ready: it must not keep the loop to itself.
#[test]
fn a_burst_spends_the_task_s_budget() {
    let l = Loop::new();
    let _entered = l.timers.enter();
    let (flag, waker) = Flag::new();
    let mut interval: Interval = interval_at(l.now(), ns(1));
    l.clock.advance(Duration::from_secs(1));
    let _budget = budget::fresh();
    let mut taken = 0;
    while pin!(interval.tick()).poll(&mut Context::from_waker(&waker)).is_ready() {
        taken += 1;
    }
    assert_eq!(taken, budget::PER_POLL);
    assert!(flag.take(), "the task goes to the back of the queue");
}

#[test]
fn a_period_without_end_ticks_once() {
    let l = Loop::new();
    let mut interval = interval(Duration::MAX);
    l.run(interval.tick());
    let (_, waker) = Flag::new();
    for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
        interval.set_missed_tick(missed);
        let _entered = l.timers.enter();
        assert!(pin!(interval.tick()).poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(!l.timers.jump_if_manual());
    }
}

#[test]
#[should_panic(expected = "must not be zero")]
fn a_period_of_zero_is_refused() {
    interval(Duration::ZERO);
}
