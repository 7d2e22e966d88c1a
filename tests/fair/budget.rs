//! A task that loops over what is ready at once has to let the others run all the same.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::Write;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::select_all;
use ringio::net::TcpListener;
use ringio::testing::ManualClock;
use ringio::time::interval;
use ringio::{JoinHandle, Runner, spawn, yield_now};

use super::load::{Probe, Waits, now, rounds};
use crate::support::{pair, poll_once, run, settle, within};

/// Operations that one poll of a task may finish, and no more in one turn.
const BUDGET: u64 = 128;

/// Counts what a task does in one turn.
#[derive(Debug)]
struct Greed {
    turn: u64,
    since: u64,
    most: u64,
    all: u64,
    began: u64,
}

impl Greed {
    fn new() -> Greed {
        Greed { turn: now(), since: 0, most: 0, all: 0, began: now() }
    }

    #[track_caller]
    fn done(&mut self) {
        if now() != self.turn {
            (self.turn, self.since) = (now(), 0);
        }
        self.since += 1;
        self.all += 1;
        self.most = self.most.max(self.since);
        assert!(self.since <= BUDGET, "{} operations in one turn", self.since);
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {} in {} turns, {} at most in one",
            self.all,
            now() - self.began,
            self.most
        );
    }
}

#[test]
fn a_reader_of_parked_bytes_yields() {
    run(async || {
        let (mut ours, mut peer) = pair();
        let mut greed = Greed::new();
        for _ in 0..rounds(4) {
            peer.write_all(&[7; 2_000]).unwrap();
            // What nobody awaits parks, and then a buffer of one byte never waits.
            assert!(poll_once(&mut pin!(ours.recv())).await.is_pending());
            settle().await;
            let mut buffer = Vec::with_capacity(1);
            for _ in 0..2_000 {
                let (read, given) = ours.read(buffer).await;
                assert_eq!(read.unwrap(), 1);
                buffer = given;
                greed.done();
            }
        }
        assert!(greed.most > BUDGET / 2, "it has not looped over what is ready");
        greed.print("reads of one byte");
        // At its end the stream is always ready, too.
        drop(peer);
        let mut greed = Greed::new();
        for _ in 0..rounds(2_000) {
            assert!(ours.recv().await.unwrap().is_empty());
            greed.done();
        }
        assert!(greed.most > BUDGET / 2);
        greed.print("ends of the stream");
        let mut greed = Greed::new();
        for _ in 0..rounds(2_000) {
            ours.write_all("").await.0.unwrap();
            greed.done();
        }
        assert!(greed.most > BUDGET / 2);
        greed.print("empty writes");
        let mut greed = Greed::new();
        for _ in 0..rounds(2_000) {
            assert_eq!(ours.read(Vec::new()).await.0.unwrap(), 0);
            greed.done();
        }
        assert!(greed.most > BUDGET / 2);
        greed.print("empty reads");
    });
}

#[test]
fn an_acceptor_of_parked_connections_yields() {
    run(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut greed = Greed::new();
        let mut incoming = listener.incoming();
        for _ in 0..rounds(20) {
            let clients: Vec<_> =
                (0..64).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
            for client in clients {
                let server = incoming.next().await.unwrap().unwrap();
                server.set_linger(Some(Duration::ZERO)).unwrap();
                drop((client, server));
                greed.done();
            }
        }
        greed.print("accepts");
    });
}

#[test]
fn a_keeper_of_overdue_ticks_yields() {
    within(|| {
        let clock = ManualClock::new();
        let mut runner = Runner::builder().clock(clock.clone()).build().unwrap();
        let body = async {
            let mut ticks = interval(Duration::from_millis(1));
            clock.advance(Duration::from_secs(1_000));
            let mut greed = Greed::new();
            for _ in 0..rounds(5_000) {
                ticks.tick().await;
                greed.done();
            }
            assert!(greed.most > BUDGET / 2);
            greed.print("ticks");
        };
        runner.run(body).unwrap();
    });
}

#[test]
fn a_joiner_of_finished_tasks_yields() {
    run(async || {
        let tasks: Vec<_> = (0..rounds(5_000)).map(|n| spawn(async move { n })).collect();
        while !tasks.iter().all(JoinHandle::is_finished) {
            yield_now().await;
        }
        let mut greed = Greed::new();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n as u64);
            greed.done();
        }
        assert!(greed.most > BUDGET / 2);
        greed.print("joins");
    });
}

/// Only what was ready counts against the budget: else the first ones, which are not, would use it
/// up at each poll, and the last ones would never be asked.
#[test]
fn a_task_that_waits_for_many_at_once_hears_of_the_last_too() {
    run(async || {
        let mut waits = Waits::default();
        let (mut streams, mut peers): (Vec<_>, Vec<_>) = (0..300).map(|_| pair()).unzip();
        let probes: Vec<_> = streams.iter().map(Probe::new).collect();
        for round in 0..rounds(50) as usize {
            let chosen = 299 - round % 300;
            let arrivals: Vec<_> =
                streams.iter_mut().map(|stream| Box::pin(stream.recv())).collect();
            let mut any = select_all(arrivals);
            let mut first = true;
            let mut since = 0;
            let (chunk, place, _) = poll_fn(|cx| {
                let polled = Pin::new(&mut any).poll(cx);
                if std::mem::take(&mut first) {
                    peers[chosen].write_all(b"x").unwrap();
                    since = probes[chosen].ready();
                }
                polled
            })
            .await;
            assert_eq!((&chunk.unwrap()[..], place), (&b"x"[..], chosen));
            waits.over(since, 2, "one of 300");
        }
        println!("one of 300: {waits:?}");
    });
}

/// A task that waits for many is polled when one of them is ready, and not before.
#[test]
fn a_task_that_waits_for_many_does_not_keep_the_loop_awake() {
    run(async || {
        let (mut streams, mut peers): (Vec<_>, Vec<_>) = (0..300).map(|_| pair()).unzip();
        let polls = Rc::new(Cell::new(0));
        let counted = polls.clone();
        let waiter = spawn(async move {
            let arrivals: Vec<_> =
                streams.iter_mut().map(|stream| Box::pin(stream.recv())).collect();
            let mut any = select_all(arrivals);
            poll_fn(move |cx| {
                counted.set(counted.get() + 1);
                match Pin::new(&mut any).poll(cx) {
                    Poll::Ready((chunk, place, _)) => Poll::Ready((chunk.unwrap().len(), place)),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await
        });
        settle().await;
        assert_eq!(polls.get(), 1);
        peers[299].write_all(b"last").unwrap();
        assert_eq!(waiter.await.unwrap(), (4, 299));
    });
}
