//! Ready I/O and due timers, beside tasks that never rest.

use std::cell::Cell;
use std::io::Write;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use ringio::net::TcpListener;
use ringio::testing::ManualClock;
use ringio::time::{Instant, sleep, sleep_until};
use ringio::{RemoteHandle, Runner, op, spawn, yield_now};

use super::load::{Load, Probe, Waits, now, rounds};
use crate::support::{Random, pair, poll_once, run, within};

/// Turns that what is ready may wait.
const LIMIT: u64 = 2;

/// What a load is called, and how it begins.
type Mix = (&'static str, fn() -> Load);

/// The loads, each alone and all together.
fn mixes() -> Vec<Mix> {
    vec![
        ("an always-ready task", || Load::default().always_ready()),
        ("a task that wakes itself", || Load::default().self_waking()),
        ("a flood", || Load::default().flood()),
        ("all of them", Load::all),
        ("200 always-ready tasks and all", || {
            (0..200).fold(Load::all(), |load, _| load.always_ready())
        }),
    ]
}

#[test]
fn received_bytes_wait_at_most_two_turns() {
    run(async || {
        for (name, load) in mixes() {
            let load = load();
            let mut waits = Waits::default();
            let mut random = Random(6);
            let (mut ours, mut peer) = pair();
            let probe = Probe::new(&ours);
            for _ in 0..rounds(2_000) {
                let mut recv = Box::pin(ours.recv());
                assert!(poll_once(&mut recv).await.is_pending());
                // Now and then the receive is in the kernel before the bytes come.
                for _ in 0..random.below(3) {
                    yield_now().await;
                }
                peer.write_all(b"x").unwrap();
                let since = probe.ready();
                (&mut recv).await.unwrap();
                waits.over(since, LIMIT, "a receive");
                drop(recv);
                let mut read = pin!(ours.read(vec![0; 8]));
                assert!(poll_once(&mut read).await.is_pending());
                peer.write_all(b"y").unwrap();
                let since = probe.ready();
                assert_eq!(read.await.0.unwrap(), 1);
                waits.over(since, LIMIT, "a read");
            }
            println!("beside {name}: {waits:?}, flooded {} bytes", load.flooded.get());
        }
    });
}

#[test]
fn bytes_nobody_awaits_yet_are_there_within_two_turns() {
    run(async || {
        let _load = Load::all();
        let mut waits = Waits::default();
        let (mut ours, mut peer) = pair();
        let probe = Probe::new(&ours);
        for _ in 0..rounds(2_000) {
            peer.write_all(b"x").unwrap();
            let since = probe.ready();
            ours.recv().await.unwrap();
            waits.over(since, LIMIT, "a receive");
        }
        println!("bytes before the receive: {waits:?}");
    });
}

#[test]
fn connections_no_ops_and_closures_wait_at_most_two_turns() {
    run(async || {
        for (name, load) in mixes() {
            let _load = load();
            let mut waits = Waits::default();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let probe = Probe::new(&listener);
            let handle = RemoteHandle::current();
            for _ in 0..rounds(1_000) {
                let mut accept = pin!(listener.accept());
                assert!(poll_once(&mut accept).await.is_pending());
                yield_now().await;
                let client = std::net::TcpStream::connect(address).unwrap();
                let since = probe.ready();
                let (server, _) = accept.await.unwrap();
                waits.over(since, LIMIT, "an accept");
                // An end by reset leaves no port behind.
                server.set_linger(Some(Duration::ZERO)).unwrap();
                drop((server, client));
                let since = now();
                op::nop().await.unwrap();
                waits.over(since, LIMIT, "a no-op");
                let (sent, called) = std::sync::mpsc::channel();
                let since = now();
                handle.call(move || sent.send(now()).unwrap()).unwrap();
                let turn = loop {
                    match called.try_recv() {
                        Ok(turn) => break turn,
                        Err(_) => yield_now().await,
                    }
                };
                assert!(turn - since <= LIMIT, "a closure waited {} turns", turn - since);
            }
            println!("beside {name}: {waits:?}");
        }
    });
}

#[test]
fn timers_that_are_due_wait_at_most_two_turns() {
    within(|| {
        let clock = ManualClock::new();
        clock.auto_jump(false);
        let mut runner = Runner::builder().clock(clock.clone()).build().unwrap();
        let body = async {
            for (name, load) in mixes() {
                let _load = load();
                let waits = Rc::new(Cell::new(Waits::default()));
                for round in 0..rounds(1_000) {
                    let due = Rc::new(Cell::new(None::<u64>));
                    let sleepers: Vec<_> = (1..=20)
                        .map(|n: u64| {
                            let (due, waits) = (due.clone(), waits.clone());
                            spawn(async move {
                                sleep(Duration::from_micros(n * (round % 7 + 1))).await;
                                let since = due.get().expect("never early");
                                let mut all = waits.get();
                                all.over(since, LIMIT, "a timer");
                                waits.set(all);
                            })
                        })
                        .collect();
                    for _ in 0..3 {
                        yield_now().await;
                    }
                    assert!(sleepers.iter().all(|sleeper| !sleeper.is_finished()));
                    due.set(Some(now()));
                    clock.advance(Duration::from_micros(20 * 7));
                    for sleeper in sleepers {
                        sleeper.await.unwrap();
                    }
                }
                println!("timers beside {name}: {:?}", waits.get());
            }
        };
        runner.run(body).unwrap();
    });
}

#[test]
fn timers_of_the_machine_s_clock_wait_at_most_two_turns_too() {
    run(async || {
        // A timer may be late by one tick of the wheel and what the loop's turn takes.
        let tick = Duration::from_micros(66);
        for (name, load) in mixes() {
            let _load = load();
            let mut waits = Waits::default();
            for round in 0..rounds(1_000) {
                let deadline = Instant::now() + Duration::from_micros(round % 50);
                let mut sleep = pin!(sleep_until(deadline));
                let polled = poll_once(&mut sleep).await;
                if round % 2 == 0 {
                    yield_now().await;
                }
                while Instant::now() < deadline + tick {
                    std::hint::spin_loop();
                }
                let since = now();
                if polled.is_pending() {
                    sleep.await;
                }
                waits.over(since, LIMIT, "a timer");
            }
            println!("the machine's timers beside {name}: {waits:?}");
        }
    });
}
