//! Time through a real loop: never early on the machine's clock, in order on a manual one.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant as RealInstant};

use ringio::testing::ManualClock;
use ringio::time::{Instant, interval, sleep, sleep_until};
use ringio::{Runner, TimeoutError, spawn, timeout, timeout_at, yield_now};
use watchdog::bounded;

#[test]
fn nothing_is_early_on_the_machine_s_clock() {
    bounded(|| {
        for spin in [Duration::ZERO, Duration::from_micros(50)] {
            let mut runner = Runner::builder().spin(spin).build().unwrap();
            let run = runner.run(async {
                let tasks: Vec<_> = (0..200)
                    .map(|i: u64| {
                        spawn(async move {
                            let wanted = Duration::from_nanos(i * 100_003);
                            let began = RealInstant::now();
                            sleep(wanted).await;
                            assert!(began.elapsed() >= wanted, "{wanted:?}");
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                for micros in [0, 1, 50, 65, 66, 100, 1_000] {
                    let wanted = Duration::from_micros(micros);
                    let (began, deadline) = (RealInstant::now(), Instant::now() + wanted);
                    sleep_until(deadline).await;
                    assert!(began.elapsed() >= wanted && Instant::now() >= deadline);
                    let began = RealInstant::now();
                    let late = timeout(wanted, std::future::pending::<()>()).await;
                    assert!(late.is_err() && began.elapsed() >= wanted);
                }
            });
            run.unwrap();
        }
    });
}

#[test]
fn ticks_are_a_period_apart() {
    bounded(|| {
        ringio::run(async {
            let period = Duration::from_micros(700);
            let began = RealInstant::now();
            let mut interval = interval(period);
            let first = interval.tick().await;
            for n in 1..=20 {
                assert_eq!(interval.tick().await - first, period * n);
                assert!(began.elapsed() >= period * n);
            }
        });
    });
}

fn manual() -> (ManualClock, Runner) {
    let clock = ManualClock::new();
    let runner = Runner::builder().clock(clock.clone()).build().unwrap();
    (clock, runner)
}

#[test]
fn a_manual_clock_fires_in_the_order_of_the_deadlines() {
    bounded(|| {
        let (clock, mut runner) = manual();
        let start = clock.now();
        let order = runner.run(async {
            let order = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = [7_u64, 3, 86_400_000, 3, 1, 0, 65, 64]
                .into_iter()
                .map(|millis| {
                    let order = order.clone();
                    spawn(async move {
                        sleep(Duration::from_millis(millis)).await;
                        order.borrow_mut().push(millis);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            order.take()
        });
        assert_eq!(order.unwrap(), [0, 1, 3, 3, 7, 64, 65, 86_400_000]);
        assert_eq!(clock.now() - start, Duration::from_secs(86_400));
    });
}

#[test]
fn a_timeout_on_a_manual_clock_is_exact() {
    bounded(|| {
        let (clock, mut runner) = manual();
        let run = runner.run(async {
            let long = Duration::from_secs(10);
            let start = clock.now();
            assert_eq!(timeout(long, sleep(long * 2)).await, Err(TimeoutError));
            assert_eq!(clock.now() - start, long);
            assert_eq!(timeout(long, sleep(long - Duration::from_nanos(1))).await, Ok(()));
            // Both due at once: a result that is ready in the same poll wins.
            assert_eq!(timeout(long, sleep(long)).await, Ok(()));
            let deadline = clock.now() + long;
            assert_eq!(timeout_at(deadline, sleep(long * 9)).await, Err(TimeoutError));
            assert_eq!(clock.now(), deadline);
            assert!(timeout(Duration::ZERO, async { unreachable!("not started") }).await.is_err());
        });
        run.unwrap();
    });
}

#[test]
fn another_thread_moves_a_manual_clock_and_the_parked_loop_sees_it() {
    bounded(|| {
        let (clock, mut runner) = manual();
        clock.auto_jump(false);
        let moved = clock.clone();
        let mover = thread::spawn(move || {
            for _ in 0..100 {
                thread::sleep(Duration::from_micros(200));
                moved.advance(Duration::from_secs(1));
            }
        });
        let start = clock.now();
        runner.run(async { sleep(Duration::from_secs(100)).await }).unwrap();
        assert_eq!(clock.now() - start, Duration::from_secs(100));
        mover.join().unwrap();
    });
}

#[test]
fn a_busy_loop_fires_its_timers_all_the_same() {
    bounded(|| {
        ringio::run(async {
            let busy = spawn(async {
                loop {
                    yield_now().await;
                }
            });
            for _ in 0..20 {
                sleep(Duration::from_micros(300)).await;
            }
            busy.cancel();
            assert!(busy.await.unwrap_err().is_cancelled());
        });
    });
}

#[test]
fn a_result_that_only_the_budget_keeps_back_wins_over_its_deadline() {
    bounded(|| {
        let clock = ManualClock::new();
        clock.auto_jump(false);
        let mut runner = Runner::builder().clock(clock.clone()).build().unwrap();
        let body = async move {
            let second = Duration::from_secs(1);
            // More than a task may finish in one poll.
            let mut waits: Vec<_> =
                (0..200).map(|_| Box::pin(timeout(second, spawn(async {})))).collect();
            for wait in &mut waits {
                assert!(futures_util::poll!(wait).is_pending());
            }
            yield_now().await;
            clock.advance(second);
            // The timers fire.
            yield_now().await;
            for wait in waits {
                assert!(wait.await.is_ok(), "its task had finished");
            }
        };
        runner.run(body).unwrap();
    });
}
