//! The end of a runner.

use std::cell::{Cell, RefCell};
use std::fs;
use std::future::pending;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::time::Instant;
use ringio::{JoinHandle, LoopClosed, RunError, Runner, spawn, yield_now};

use crate::child::in_child;
use crate::host::own_host;
use crate::runner;
use crate::watchdog::bounded;

#[test]
fn closing_twice_is_closing_once_and_then_nothing_runs() {
    let mut runner = runner();
    let handle = runner.handle();
    assert!(!handle.is_closed());
    runner.close();
    runner.close();
    assert!(handle.is_closed());
    assert_eq!(handle.call(|| ()), Err(LoopClosed));
    assert!(matches!(runner.run(async {}), Err(RunError::Closed)));
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn tasks_that_are_left_over_are_dropped_in_the_loop() {
    bounded(|| {
        let mut runner = runner();
        let dropped = Rc::new(Cell::new(0));
        runner
            .run(async {
                for _ in 0..100 {
                    let dropped = dropped.clone();
                    let guard = OnDrop(move || {
                        assert!(ringio::task::all().len() <= 100, "the loop is still there");
                        dropped.set(dropped.get() + 1);
                    });
                    spawn(async move {
                        let _guard = guard;
                        pending::<()>().await;
                    });
                }
                yield_now().await;
            })
            .unwrap();
        assert_eq!(dropped.get(), 0);
        runner.close();
        assert_eq!(dropped.get(), 100);
    });
}

#[test]
fn what_destructors_spawn_while_closing_is_cancelled() {
    bounded(|| {
        let mut runner = runner();
        let late: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
        let spawned = late.clone();
        runner
            .run(async move {
                spawn(async move {
                    let _guard = OnDrop(move || {
                        let late = spawn(async { panic!("it must not start") });
                        spawned.borrow_mut().push(late);
                    });
                    pending::<()>().await;
                });
                yield_now().await;
            })
            .unwrap();
        drop(runner);
        let late = late.take().pop().expect("the destructor has run");
        assert!(late.is_finished());
        assert!(ringio::run(late).unwrap_err().is_cancelled());
    });
}

#[test]
fn a_task_that_does_not_stop_is_dropped_after_the_grace() {
    bounded(|| {
        let grace = Duration::from_millis(20);
        let mut runner = Runner::builder().grace(grace).build().unwrap();
        let rounds = Rc::new(Cell::new(0_u32));
        let counted = rounds.clone();
        runner
            .run(async move {
                spawn(async move {
                    // What a destructor spawns again and again cannot hold the loop either.
                    struct Again;
                    impl Drop for Again {
                        fn drop(&mut self) {
                            drop(spawn(async {
                                let _again = Again;
                                pending::<()>().await;
                            }));
                        }
                    }
                    let _again = Again;
                    counted.set(1);
                    pending::<()>().await;
                });
                yield_now().await;
            })
            .unwrap();
        let began = Instant::now();
        runner.close();
        assert_eq!(rounds.get(), 1);
        assert!(began.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn a_runner_that_lives_in_a_thread_local_ends_with_its_thread() {
    thread_local! {
        static KEPT: RefCell<Option<Runner>> = const { RefCell::new(None) };
    }
    bounded(|| {
        let thread = thread::spawn(|| {
            // Its destructor is registered first, so it runs after those of ringio's own.
            KEPT.with_borrow_mut(|kept| assert!(kept.is_none()));
            let mut runner = runner();
            let address = runner.run(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                spawn(async move { listener.accept().await.map(drop) });
                spawn(ringio::time::sleep(Duration::from_secs(3_600)));
                yield_now().await;
                address
            });
            KEPT.set(Some(runner));
            address.unwrap()
        });
        let address = thread.join().expect("it ends in order");
        drop(std::net::TcpListener::bind(address).expect("the port is free"));
    });
}

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).unwrap().count()
}

/// 240 accepts and 16 receives in flight, and the ports that they hold.
async fn busy() -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for _ in 0..15 {
        let listener = TcpListener::bind((own_host(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        addresses.push(address);
        if addresses.len() <= 8 {
            let mut near = TcpStream::connect(address).await.unwrap();
            let (mut far, _) = listener.accept().await.unwrap();
            spawn(async move { near.recv().await.map(drop) });
            spawn(async move { far.read(vec![0; 100]).await.0 });
        }
        spawn(async move { listener.accept().await.map(drop) });
    }
    yield_now().await;
    yield_now().await;
    addresses
}

#[test]
fn runners_dropped_with_operations_in_flight_leave_nothing() {
    let printed = in_child(
        "runner::closing::runners_dropped_with_operations_in_flight_leave_nothing",
        || {
            let before = (entries("/proc/self/fd"), entries("/proc/self/task"));
            for round in 0..if cfg!(debug_assertions) { 100 } else { 1_000 } {
                let ended = thread::spawn(move || {
                    let mut runner = runner();
                    let addresses = runner.run(busy()).unwrap();
                    if round % 2 == 0 {
                        runner.close();
                    }
                    drop(runner);
                    for address in addresses {
                        drop(std::net::TcpListener::bind(address).expect("the port is free"));
                    }
                });
                ended.join().unwrap();
            }
            // A thread that was joined stays in /proc until the kernel is through with it.
            let now = || (entries("/proc/self/fd"), entries("/proc/self/task"));
            let deadline = std::time::Instant::now() + Duration::from_secs(10);
            while now() != before && std::time::Instant::now() < deadline {
                thread::yield_now();
            }
            assert_eq!(now(), before);
            println!("NOTHING LEFT");
        },
    );
    assert!(printed.is_none_or(|text| text.contains("NOTHING LEFT")));
}
