//! 999 tasks that ping each other, with everything else that never rests beside them.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::Write;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use ringio::testing::ManualClock;
use ringio::time::sleep;
use ringio::{Runner, op, stats, yield_now};

use super::load::{Load, Probe, Waits, noting, now, rounds};
use crate::support::{pair, poll_once, within};

const TASKS: usize = 999;

/// 999 tasks and the others are fewer than 1,024: four turns of 256 polls reach each of them.
const LIMIT: u64 = 4;

/// Where a task waits for pings.
#[derive(Default)]
struct Seat {
    pings: Cell<u32>,
    /// The turn in which the first of them came.
    since: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Seat {
    fn ping(&self) {
        if self.pings.replace(self.pings.get() + 1) == 0 {
            self.since.set(now());
        }
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Each takes what pings it has and passes as many on, to the next one and to one far away.
fn pinging(load: Load, waits: &Rc<Cell<Waits>>) -> Load {
    let seats: Rc<Vec<Seat>> = Rc::new((0..TASKS).map(|_| Seat::default()).collect());
    seats.iter().for_each(Seat::ping);
    (0..TASKS).fold(load, |load, own| {
        let (seats, waits) = (seats.clone(), waits.clone());
        load.add(poll_fn(move |cx| {
            let seat = &seats[own];
            let pings = seat.pings.take();
            if pings > 0 {
                let mut all = waits.get();
                all.over(seat.since.get(), LIMIT, "a pinged task");
                waits.set(all);
            }
            seat.waker.replace(Some(cx.waker().clone()));
            for n in 0..pings as usize {
                seats[(own + 1 + n * 331) % TASKS].ping();
            }
            Poll::Pending
        }))
    })
}

/// Each yields for ever.
fn yielding(load: Load, waits: &Rc<Cell<Waits>>) -> Load {
    (0..TASKS).fold(load, |load, _| {
        let waits = waits.clone();
        load.add(async move {
            loop {
                let since = now();
                yield_now().await;
                let mut all = waits.get();
                all.over(since, LIMIT, "a task that yields");
                waits.set(all);
            }
        })
    })
}

/// Bytes, no-ops and timers wake their task within two turns; then it stands in the queue.
async fn others(clock: &ManualClock, turns: u64) -> Waits {
    let mut waits = Waits::default();
    let (mut ours, mut peer) = pair();
    let probe = Probe::new(&ours);
    let end = now() + turns;
    while now() < end {
        let mut recv = pin!(noting(ours.recv()));
        assert!(poll_once(&mut recv).await.is_pending());
        peer.write_all(b"x").unwrap();
        let since = probe.ready();
        let (_, woken) = recv.await;
        assert!(woken - since <= 2, "bytes waited {} turns to be routed", woken - since);
        waits.over(woken, LIMIT, "a receive that was routed");
        let since = now();
        let (_, woken) = noting(op::nop()).await;
        assert!(woken - since <= 2, "a no-op waited {} turns to be routed", woken - since);
        waits.over(woken, LIMIT, "a no-op that was routed");
        let mut asleep = pin!(noting(sleep(Duration::from_micros(10))));
        assert!(poll_once(&mut asleep).await.is_pending());
        clock.advance(Duration::from_micros(10));
        let since = now();
        let (_, woken) = asleep.await;
        assert!(woken - since <= 2, "a timer waited {} turns to fire", woken - since);
        waits.over(woken, LIMIT, "a timer that has fired");
    }
    waits
}

fn crowd(name: &'static str, gather: fn(Load, &Rc<Cell<Waits>>) -> Load) {
    within(move || {
        let clock = ManualClock::new();
        clock.auto_jump(false);
        let mut runner = Runner::builder().clock(clock.clone()).build().unwrap();
        let body = async {
            let waits = Rc::default();
            let load = gather(Load::all(), &waits);
            let beside = others(&clock, rounds(4_000)).await;
            // All have been reached, again and again.
            let turns = now();
            // Not because a turn is without end, though.
            let polls = stats().polls;
            assert!(polls <= 256 * turns, "{polls} polls in {turns} turns");
            let count = waits.get().count;
            assert!(count > turns / LIMIT / 2 * TASKS as u64 / 2, "{count} in {turns} turns");
            println!(
                "999 {name}: {:?}, beside them {beside:?}, in {turns} turns, flooded {} bytes",
                waits.get(),
                load.flooded.get()
            );
        };
        runner.run(body).unwrap();
    });
}

#[test]
fn each_of_999_pinging_tasks_waits_at_most_four_turns() {
    crowd("pinging tasks", pinging);
}

#[test]
fn each_of_999_yielding_tasks_waits_at_most_four_turns() {
    crowd("yielding tasks", yielding);
}
