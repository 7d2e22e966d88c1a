//! Fairness: nothing that is always ready keeps the rest from its turn.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::Write;
use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::testing::ManualClock;
use ringio::time::sleep;
use ringio::{Runner, spawn, timeout, yield_now};
use watchdog::bounded;

/// Wakes itself at each poll, for ever, and counts them.
fn always_ready(count: &Rc<Cell<u64>>) {
    let count = count.clone();
    spawn(poll_fn(move |cx| {
        count.set(count.get() + 1);
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

#[test]
fn tasks_that_are_always_ready_starve_neither_timers_nor_sockets() {
    bounded(|| {
        for tasks in [1, 64, 1_000] {
            ringio::run(async {
                let count = Rc::default();
                (0..tasks).for_each(|_| always_ready(&count));
                sleep(Duration::from_millis(2)).await;
                assert!(timeout(Duration::from_millis(1), yield_forever()).await.is_err());
                let (mut client, mut server) = pair().await;
                for _ in 0..20 {
                    client.write_all("ping").await.0.unwrap();
                    assert_eq!(&server.recv().await.unwrap()[..], b"ping");
                }
                assert!(count.get() > tasks);
            });
        }
    });
}

async fn yield_forever() {
    loop {
        yield_now().await;
    }
}

#[test]
fn self_wakers_take_turns() {
    bounded(|| {
        ringio::run(async {
            let counts: Vec<Rc<Cell<u64>>> = (0..64).map(|_| Rc::default()).collect();
            counts.iter().for_each(always_ready);
            for _ in 0..1_000 {
                yield_now().await;
            }
            let all = counts.iter().map(|count| count.get());
            let (least, most) = (all.clone().min().unwrap(), all.max().unwrap());
            assert!(most - least <= 1 && least >= 999, "{least} to {most}");
        });
    });
}

#[test]
fn a_reader_of_a_flood_yields_to_the_others() {
    bounded(|| {
        ringio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let flood = thread::spawn(move || {
                let mut stream = StdStream::connect(address).unwrap();
                while stream.write_all(&[7; 64 * 1024]).is_ok() {}
            });
            let (mut server, _) = listener.accept().await.unwrap();
            let turns: Rc<Cell<u64>> = Rc::default();
            always_ready(&turns);
            // A buffer of one byte never waits once the read-ahead has bytes.
            let (mut longest, mut since, mut before) = (0, 0, turns.get());
            let mut buffer = Vec::with_capacity(1);
            drop(server.recv().await.unwrap());
            for _ in 0..20_000 {
                let (read, given) = server.read(buffer).await;
                assert_eq!(read.unwrap(), 1);
                buffer = given;
                since += 1;
                if turns.get() != before {
                    before = turns.get();
                    longest = longest.max(since);
                    since = 0;
                }
            }
            assert!(longest.max(since) <= 256, "{} reads without a pause", longest.max(since));
            server.close().await.unwrap();
            flood.join().unwrap();
        });
    });
}

#[test]
fn a_writer_that_never_waits_yields_too() {
    bounded(|| {
        ringio::run(async {
            let (mut client, mut server) = pair().await;
            let turns: Rc<Cell<u64>> = Rc::default();
            always_ready(&turns);
            // Writes that are admitted at once, for as long as the peer reads.
            let reader = spawn(async move { while !server.recv().await.unwrap().is_empty() {} });
            let began = turns.get();
            for _ in 0..10_000 {
                client.write_all("x").await.0.unwrap();
            }
            assert!(turns.get() - began >= 10_000 / 256);
            client.close().await.unwrap();
            reader.await.unwrap();
        });
    });
}

#[test]
fn a_manual_clock_stands_while_input_is_in_flight() {
    bounded(|| {
        let clock = ManualClock::new();
        let start = clock.now();
        let mut runner = Runner::builder().clock(clock.clone()).build().unwrap();
        let order = Rc::new(RefCell::new(Vec::new()));
        let seen = order.clone();
        let theirs = clock.clone();
        runner
            .run(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let noted = seen.clone();
                let sleeper = spawn(async move {
                    sleep(Duration::from_secs(3_600)).await;
                    noted.borrow_mut().push("slept");
                });
                let client = thread::spawn(move || {
                    // Long enough for the loop to have parked.
                    thread::sleep(Duration::from_millis(20));
                    StdStream::connect(address).unwrap()
                });
                drop(listener.accept().await.unwrap());
                seen.borrow_mut().push("accepted");
                assert_eq!(theirs.now(), start);
                drop(client.join().unwrap());
                listener.close().await.unwrap();
                sleeper.await.unwrap();
            })
            .unwrap();
        assert_eq!(*order.borrow(), ["accepted", "slept"]);
        assert_eq!(clock.now() - start, Duration::from_secs(3_600));
    });
}

/// They find the submission queue full, and are done when the kernel takes them: the loop has
/// completions to route before it comes to wait, and still must ask for those of the sockets.
#[test]
fn operations_that_end_at_once_do_not_keep_received_bytes_in_the_kernel() {
    bounded(|| {
        for (entries, tasks) in [(1, 2), (1, 5), (8, 20)] {
            let mut runner = Runner::builder().entries(entries).build().unwrap();
            let operations = Rc::new(Cell::new(0));
            let done = operations.clone();
            let before = runner.run(async move {
                let (mut client, mut server) = pair().await;
                client.write_all("ping").await.0.unwrap();
                server.recv().await.unwrap();
                for _ in 0..tasks {
                    let done = done.clone();
                    drop(spawn(async move {
                        while done.get() < 20_000 {
                            ringio::op::nop().await.unwrap();
                            done.set(done.get() + 1);
                        }
                    }));
                }
                let reader = spawn(async move { server.recv().await.unwrap().to_vec() });
                while done.get() < 100 {
                    // Not with `yield_now`: a loop with a ready task enters the kernel anyway.
                    ringio::op::nop().await.unwrap();
                }
                let sent = done.get();
                client.write_all("pong").await.0.unwrap();
                assert_eq!(reader.await.unwrap(), b"pong");
                done.get() - sent
            });
            let before = before.unwrap();
            assert!(before < 1000, "{before} operations of others came first");
        }
    });
}
