//! Sleeping, and what may happen to a sleep.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::{Flag, Loop, Random, ms, ns};
use crate::time::{Clock, Instant, Sleep, Timers, sleep, sleep_until};
use crate::util::WakeBatch;

#[test]
fn a_sleep_on_a_manual_clock_is_exact() {
    let l = Loop::new();
    l.run(async {
        for duration in [ns(1), ns(999), ms(1), ms(3_600_000), Duration::from_secs(1 << 33)] {
            let start = Instant::now();
            sleep(duration).await;
            assert_eq!(start.elapsed(), duration);
        }
    });
    assert_eq!(l.timers.len(), 0);
}

#[test]
fn many_sleeps_end_in_order_and_on_time() {
    let l = Loop::new();
    let mut random = Random(11);
    let sleeps: Vec<u64> = (0..2000).map(|_| random.magnitude(40) + 1).collect();
    l.run(async {
        let start = Instant::now();
        let mut running: FuturesUnordered<_> = sleeps
            .iter()
            .map(|n| async move {
                sleep(ns(*n)).await;
                assert_eq!(start.elapsed(), ns(*n));
                *n
            })
            .collect();
        let mut last = 0;
        while let Some(n) = running.next().await {
            assert!(n >= last);
            last = n;
        }
    });
}

#[test]
fn zero_and_the_past_let_the_loop_turn_once() {
    let l = Loop::new();
    let (flag, waker) = Flag::new();
    for mut sleep in [sleep_until(l.now()), sleep_until(l.now() - ms(5))] {
        assert!(l.poll(&mut sleep, &waker).is_pending());
        assert!(l.timers.next_deadline() <= Some(l.now()), "the loop must not park");
        assert_eq!(l.fire(), 1);
        assert!(flag.take());
        assert!(l.poll(&mut sleep, &waker).is_ready());
    }
}

#[test]
fn what_lasts_for_ever_is_no_reason_to_wake() {
    let l = Loop::new();
    let (flag, waker) = Flag::new();
    let _entered = l.timers.enter();
    let mut forever = sleep(Duration::MAX);
    assert!(l.poll(&mut forever, &waker).is_pending());
    assert_eq!(l.timers.next_deadline(), None);
    assert!(!l.timers.jump_if_manual());
    l.advance(Duration::from_secs(1 << 33));
    assert!(!flag.take());
    let soon = l.now() + ms(1);
    forever.reset(soon);
    assert!(l.timers.jump_if_manual());
    assert_eq!((l.now(), l.fire()), (soon, 1));
    assert!(flag.take());
}

#[test]
fn a_sleep_made_outside_counts_from_its_first_poll() {
    let l = Loop::new();
    let outside = sleep(ms(7));
    l.clock.advance(ms(100));
    let start = l.now();
    l.run(outside);
    assert_eq!(l.now() - start, ms(7));
}

#[test]
fn a_dropped_sleep_leaves_nothing() {
    let l = Loop::new();
    let (flag, waker) = Flag::new();
    let mut a = sleep_until(l.now() + ms(1));
    assert!(l.poll(&mut a, &waker).is_pending());
    assert_eq!(l.timers.len(), 1);
    drop(a);
    assert_eq!(l.timers.len(), 0);
    assert_eq!(l.advance(ms(2)), 0);
    assert!(!flag.take());
    assert_eq!(Arc::strong_count(&flag), 2, "the timer keeps no waker");
}

#[test]
fn a_forgotten_sleep_frees_its_timer_when_it_fires() {
    let l = Loop::new();
    let (flag, waker) = Flag::new();
    let mut a = sleep_until(l.now() + ms(1));
    assert!(l.poll(&mut a, &waker).is_pending());
    mem::forget(a);
    assert_eq!(l.advance(ms(1)), 1);
    assert!(flag.take());
    assert_eq!(l.timers.len(), 0);
    assert_eq!(Arc::strong_count(&flag), 2);
}

/// The slot of a timer that has fired serves another; the first sleep must not touch that one.
#[test]
fn a_late_drop_misses_the_next_tenant() {
    let l = Loop::new();
    let (first, first_waker) = Flag::new();
    let (second, second_waker) = Flag::new();
    let mut a = sleep_until(l.now() + ms(1));
    assert!(l.poll(&mut a, &first_waker).is_pending());
    l.advance(ms(1));
    let mut b = sleep_until(l.now() + ms(1));
    assert!(l.poll(&mut b, &second_waker).is_pending());
    drop(a);
    assert_eq!(l.timers.len(), 1);
    l.advance(ms(1));
    assert!(first.take() && second.take());
    assert!(l.poll(&mut b, &second_waker).is_ready());
}

#[test]
fn a_sleep_moved_to_another_task_wakes_that_one() {
    let l = Loop::new();
    let (first, first_waker) = Flag::new();
    let (second, second_waker) = Flag::new();
    let mut a = sleep_until(l.now() + ms(1));
    assert!(l.poll(&mut a, &first_waker).is_pending());
    assert!(l.poll(&mut a, &second_waker).is_pending());
    assert_eq!(Arc::strong_count(&first), 2, "the former waker is gone");
    l.advance(ms(1));
    assert!(!first.take() && second.take());
}

#[test]
fn reset_moves_the_deadline_under_a_waiting_task() {
    let l = Loop::new();
    let (flag, waker) = Flag::new();
    let start = l.now();
    let mut a = sleep_until(start + ms(10));
    assert!(l.poll(&mut a, &waker).is_pending());
    a.reset(start + ms(20));
    assert_eq!(l.advance(ms(10)), 0);
    a.reset(start + ms(15));
    assert_eq!(l.advance(ms(5)), 1);
    assert!(flag.take() && a.is_elapsed());
    // And once it has ended, it begins anew.
    assert!(l.poll(&mut a, &waker).is_ready());
    a.reset(start + ms(30));
    assert!(!a.is_elapsed());
    assert!(l.poll(&mut a, &waker).is_pending());
    a.reset(start);
    assert_eq!(l.fire(), 1);
    assert!(l.poll(&mut a, &waker).is_ready());
}

#[test]
fn polled_outside_a_loop_it_says_what_to_do() {
    let message = panic_of(|| {
        let _ = std::pin::Pin::new(&mut sleep(ms(1)))
            .poll(&mut std::task::Context::from_waker(Waker::noop()));
    });
    assert!(message.contains("ringio::run"), "{message}");
}

#[test]
fn a_sleep_that_outlives_its_loop() {
    let l = Loop::new();
    let (flag, waker) = Flag::new();
    let mut sleeps: Vec<Sleep> = [1, 5, 9].map(|n| sleep_until(l.now() + ms(n))).into();
    for sleep in &mut sleeps {
        assert!(l.poll(sleep, &waker).is_pending());
    }
    l.timers.close();
    l.timers.close();
    assert_eq!((l.timers.len(), l.timers.next_deadline()), (0, None));
    assert_eq!(Arc::strong_count(&flag), 2, "no waker is left");
    l.advance(ms(1));
    assert!(!flag.take());
    // The first has passed, the second would never be woken, and the third is begun anew.
    assert!(l.poll(&mut sleeps[0], &waker).is_ready());
    let message = panic_of(|| assert!(l.poll(&mut sleeps[1], &waker).is_ready()));
    assert!(message.contains("has ended"), "{message}");
    let other = Loop::new();
    sleeps[2].reset(other.now() + ms(1));
    assert_eq!(other.run(&mut sleeps[2]), ());
    drop(sleeps);
}

#[test]
fn loops_nest_and_each_reads_its_own_clock() {
    let (outer, inner) = (Loop::new(), Loop::new());
    inner.clock.advance(ms(77));
    outer.run(async {
        let before = Instant::now();
        inner.run(async {
            assert_eq!(Instant::now(), inner.now());
            sleep(ms(5)).await;
        });
        assert_eq!(Instant::now(), before);
        assert_eq!(outer.now(), before);
    });
    assert!(Timers::current().is_none());
}

#[test]
fn a_clock_that_may_not_jump_waits_for_advance() {
    let l = Loop::new();
    l.clock.auto_jump(false);
    let (rung, doorbell) = Flag::new();
    l.timers.on_advance(doorbell);
    let (flag, waker) = Flag::new();
    let mut a = sleep_until(l.now() + ms(10));
    assert!(l.poll(&mut a, &waker).is_pending());
    assert!(!l.timers.jump_if_manual());
    assert_eq!(l.timers.next_deadline(), None, "the kernel's clock says nothing about it");
    let clock = l.clock.clone();
    std::thread::spawn(move || clock.advance(ms(10))).join().unwrap();
    assert!(rung.take(), "a parked loop hears of it");
    assert_eq!(l.timers.next_deadline(), Some(a.deadline()));
    assert_eq!(l.fire(), 1);
    assert!(flag.take());
    l.timers.close();
    l.clock.advance(ms(1));
    assert!(!rung.take());
    assert_eq!(Arc::strong_count(&rung), 1);
}

/// On the real clock: fired at the instant that the timers ask for, and not a nanosecond before.
#[test]
fn on_the_real_clock_nothing_is_early() {
    let timers = Timers::new(Clock::real());
    let _entered = timers.enter();
    let (flag, waker) = Flag::new();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut wakes = WakeBatch::default();
    for duration in [ns(0), ns(1), ns(70_000), ms(1), ms(3_600_000)] {
        let mut sleep = sleep(duration);
        let deadline = sleep.deadline();
        assert!(std::pin::Pin::new(&mut sleep).poll(&mut cx).is_pending());
        while !timers.is_empty() {
            let next = timers.next_deadline().unwrap();
            let before = Instant::from_nanos(next.as_nanos() - 1);
            if before < deadline && deadline > timers.now() {
                assert_eq!(timers.fire(before, &mut wakes), 0);
            }
            timers.fire(next, &mut wakes);
        }
        wakes.wake_all();
        assert!(flag.take());
        assert_eq!(std::pin::Pin::new(&mut sleep).poll(&mut cx), Poll::Ready(()));
    }
}

#[test]
fn debug_shows_the_deadline() {
    let l = Loop::new();
    let sleep = sleep_until(Instant::from_nanos(5));
    assert_eq!(format!("{sleep:?}"), "Sleep { deadline: Instant(5), elapsed: false }");
    assert!(format!("{:?}", l.timers).starts_with("Timers { clock: Manual(ManualClock { now:"));
}

fn panic_of(action: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(action)).expect_err("it must panic");
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap()
}
