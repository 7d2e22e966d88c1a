//! A waker has nothing to wait for: the loop stands still on a barrier, in the middle of whatever it
//! does, and all wakes have returned before it goes on.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::hint::black_box;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use ringio::{LoopClosed, RemoteError, RemoteHandle, RemoteJoin, Runner, spawn, time, yield_now};

use super::switches::sleeps;
use crate::watchdog::bounded;

const TASKS: usize = 100;
const WAKES: usize = 100_000;
const CALLS: usize = 1_000;

/// Where a loop stands still: once to say that it does, once to be let go.
#[derive(Clone)]
struct Stop(Arc<Barrier>);

impl Stop {
    fn stand(&self) {
        self.0.wait();
        self.0.wait();
    }
}

/// Stands still when it is dropped.
struct StandsInDrop(Stop);

impl Drop for StandsInDrop {
    fn drop(&mut self) {
        self.0.stand();
    }
}

/// Stands still when it is woken, as a foreign task's waker might.
struct StandsInWake(Stop);

impl Wake for StandsInWake {
    fn wake(self: Arc<Self>) {
        self.0.stand();
    }
}

/// What a loop gives away, and what it counts.
struct World {
    wakers: Vec<Waker>,
    handle: RemoteHandle,
}

/// A task that counts its polls after the first, and ends when it has seen one.
async fn counts(wakers: Sender<Waker>, polled: Rc<Cell<usize>>) {
    let mut first = true;
    poll_fn(|cx| {
        if first {
            first = false;
            wakers.send(cx.waker().clone()).unwrap();
            return Poll::Pending;
        }
        polled.set(polled.get() + 1);
        Poll::Ready(())
    })
    .await;
}

/// Wakes, clones, drops, calls and spawns as long as the loop stands; nothing of that may sleep.
fn wake_all(world: &World, expect: Result<(), LoopClosed>) -> Vec<RemoteJoin<()>> {
    let before = sleeps();
    for round in 0..WAKES {
        let waker = &world.wakers[round % TASKS];
        match round / TASKS % 4 {
            0 => waker.wake_by_ref(),
            1 => {
                let copy = waker.clone();
                copy.wake();
            }
            2 => drop(waker.clone()),
            _ => {
                let copy = waker.clone();
                waker.wake_by_ref();
                drop(copy);
            }
        }
    }
    let slept = sleeps() - before;
    // A page fault may meet one of another thread; a wake that sleeps would do so each time.
    assert!(slept < 10, "the waking thread has slept {slept} times");
    let mut joins = Vec::new();
    for _ in 0..CALLS {
        assert_eq!(world.handle.call(|| _ = black_box(0)), expect);
        joins.push(world.handle.spawn(|| async {}));
    }
    joins
}

/// Runs a loop that `stands` somewhere, and wakes it meanwhile from a thread and another loop.
fn while_it_stands<F: Future<Output = ()>>(stands: impl FnOnce(Stop) -> F + Send + 'static) {
    bounded(move || {
        let stop = Stop(Arc::new(Barrier::new(2)));
        let (give, get) = channel();
        let theirs = stop.clone();
        let standing = thread::spawn(move || {
            let mut runner = Runner::builder().spin(Duration::ZERO).build().unwrap();
            let polled = Rc::new(Cell::new(0));
            let run = runner.run(async {
                let (wakers, taken) = channel();
                let tasks: Vec<_> =
                    (0..TASKS).map(|_| spawn(counts(wakers.clone(), polled.clone()))).collect();
                yield_now().await;
                let wakers = taken.try_iter().collect();
                give.send(World { wakers, handle: RemoteHandle::current() }).unwrap();
                stands(theirs).await;
                for task in tasks {
                    task.await.unwrap();
                }
            });
            run.unwrap();
            assert_eq!(polled.get(), TASKS);
        });
        let world = get.recv().unwrap();
        stop.0.wait();
        // The loop's thread is on the barrier from here on.
        let mut joins = wake_all(&world, Ok(()));
        let world = thread::spawn(move || {
            ringio::run(async {
                joins.extend(wake_all(&world, Ok(())));
                (joins, world)
            })
        });
        let (joins, world) = world.join().unwrap();
        stop.0.wait();
        standing.join().unwrap();
        assert_eq!(world.handle.call(|| ()), Err(LoopClosed));
        // What was spawned meanwhile has run, or was told of the loop's end; nothing is forgotten.
        for mut join in joins {
            let outcome = join.wait(None);
            assert!(matches!(outcome, Ok(()) | Err(RemoteError::LoopClosed)), "{outcome:?}");
        }
    });
}

#[test]
fn a_loop_in_a_long_poll_is_not_waited_for() {
    while_it_stands(|stop| async move { stop.stand() });
}

#[test]
fn a_loop_in_a_destructor_is_not_waited_for() {
    while_it_stands(|stop| async move {
        let stands = StandsInDrop(stop);
        let task = spawn(async move {
            let _stands = stands;
            pending::<()>().await;
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
    });
}

/// The inbox has been taken and its entries are being delivered; others lie behind this one.
#[test]
fn a_loop_that_drains_its_inbox_is_not_waited_for() {
    while_it_stands(|stop| async move {
        let handle = RemoteHandle::current();
        let (done, mut over) = channel();
        thread::spawn(move || {
            handle.call(|| ()).unwrap();
            handle.call(move || stop.stand()).unwrap();
            handle.call(move || done.send(()).unwrap()).unwrap();
        });
        while_waiting(&mut over).await;
    });
}

async fn while_waiting(over: &mut Receiver<()>) {
    while over.try_recv().is_err() {
        yield_now().await;
    }
}

/// Timers are being fired, and tell wakers of others.
#[test]
fn a_loop_that_fires_timers_is_not_waited_for() {
    while_it_stands(|stop| async move {
        let waker = Waker::from(Arc::new(StandsInWake(stop)));
        let mut sleep = Box::pin(time::sleep(Duration::from_millis(1)));
        let mut context = Context::from_waker(&waker);
        while sleep.as_mut().poll(&mut context).is_pending() {
            yield_now().await;
        }
    });
}

/// The loop has begun to close: tasks are woken in vain, closures come back.
#[test]
fn a_loop_that_ends_is_not_waited_for() {
    bounded(|| {
        let stop = Stop(Arc::new(Barrier::new(2)));
        let stands = StandsInDrop(stop.clone());
        let (give, get) = channel();
        let ending = thread::spawn(move || {
            let mut runner = Runner::builder().build().unwrap();
            let run = runner.run(async {
                let (wakers, taken) = channel();
                let polled = Rc::new(Cell::new(0));
                (0..TASKS).for_each(|_| drop(spawn(counts(wakers.clone(), polled.clone()))));
                spawn(async move {
                    let _stands = stands;
                    pending::<()>().await;
                });
                yield_now().await;
                let wakers = taken.try_iter().collect();
                give.send(World { wakers, handle: RemoteHandle::current() }).unwrap();
            });
            run.unwrap();
        });
        let world = get.recv().unwrap();
        stop.0.wait();
        // The loop's thread is on the barrier from here on, within its end.
        let joins = wake_all(&world, Err(LoopClosed));
        assert!(joins.iter().all(RemoteJoin::is_finished));
        stop.0.wait();
        ending.join().unwrap();
    });
}
