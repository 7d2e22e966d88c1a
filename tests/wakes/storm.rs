//! Each source of wakes has a letter box at each task: it writes a number, wakes, and every other
//! time waits until the task has answered, during which nobody else may write to that box. A lost
//! ring leaves all of them waiting; a lost poll leaves one.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::hint::spin_loop;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use ringio::{RemoteHandle, Runner, spawn, yield_now};

use super::switches::sleeps;

const TASKS: usize = 32;

/// Two threads, and one loop with two tasks that write.
const SOURCES: usize = 4;
const THREADS: usize = 2;

/// A storm in which nothing happens for so long has lost a wake.
const PATIENCE: Duration = Duration::from_secs(30);

fn is_long() -> bool {
    std::env::var_os("RINGIO_LONG").is_some_and(|value| value == "1")
}

/// One source's box at one task.
#[derive(Default)]
struct Letters {
    written: AtomicU64,
    answered: AtomicU64,
    /// Who waits for an answer, if that is a task.
    writer: AtomicWaker,
}

/// What the loop and those who wake it have in common.
#[derive(Default)]
struct Storm {
    boxes: [[Letters; SOURCES]; TASKS],
    wakes: AtomicU64,
    calls: AtomicU64,
    spawns: AtomicU64,
    /// Polls that found a letter.
    polls: AtomicU64,
    parks: AtomicU64,
    /// The sources that have not ended.
    sources: AtomicUsize,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Mostly nothing, at times so long that the loop spins, is about to park, or parks.
    fn pause(&mut self) {
        let rounds = match self.below(16) {
            0..8 => 0,
            8..12 => self.below(32),
            12..15 => self.below(512),
            _ => self.below(4096),
        };
        (0..rounds).for_each(|_| spin_loop());
        if self.below(64) == 0 {
            thread::yield_now();
        }
    }
}

/// The task that the letters are for. It ends when no source is left.
async fn reader(storm: Arc<Storm>, number: usize, ready: Rc<Cell<usize>>) {
    let mut random = Random(number as u64);
    ready.set(ready.get() + 1);
    loop {
        let busy = poll_fn(|_| {
            let mut fresh = false;
            for letters in &storm.boxes[number] {
                let written = letters.written.load(Ordering::Relaxed);
                if written > letters.answered.load(Ordering::Relaxed) {
                    fresh = true;
                    letters.answered.store(written, Ordering::Release);
                    letters.writer.wake();
                }
            }
            storm.polls.fetch_add(u64::from(fresh), Ordering::Relaxed);
            let is_over = storm.sources.load(Ordering::Relaxed) == 0;
            if fresh || is_over { Poll::Ready(!is_over) } else { Poll::Pending }
        });
        if !busy.await {
            return;
        }
        // Keeps the loop awake for a while, or at one thing.
        match random.below(64) {
            0 => (0..random.below(2048)).for_each(|_| spin_loop()),
            1 => {
                for _ in 0..random.below(8) {
                    yield_now().await;
                }
            }
            _ => {}
        }
    }
}

/// One source: what it writes, and how it wakes.
struct Source {
    storm: Arc<Storm>,
    wakers: Vec<Waker>,
    number: usize,
    random: Random,
    last: [u64; TASKS],
}

impl Source {
    /// Writes to a task and wakes it; says which, and what, if an answer is to be awaited.
    fn write(&mut self) -> Option<(usize, u64)> {
        self.random.pause();
        let task = self.random.below(TASKS as u64) as usize;
        self.last[task] += 1;
        let letters = &self.storm.boxes[task][self.number];
        letters.written.store(self.last[task], Ordering::Relaxed);
        let waker = &self.wakers[task];
        match self.random.below(4) {
            0 => waker.wake_by_ref(),
            1 => {
                let copy = waker.clone();
                copy.wake();
            }
            2 => {
                let copy = waker.clone();
                copy.wake_by_ref();
                self.wakers[task] = copy;
            }
            _ => {
                let copy = waker.clone();
                std::mem::replace(&mut self.wakers[task], copy).wake();
            }
        }
        self.storm.wakes.fetch_add(1, Ordering::Relaxed);
        (self.random.below(2) == 0).then_some((task, self.last[task]))
    }

    fn has_answer(&self, (task, number): (usize, u64)) -> bool {
        self.storm.boxes[task][self.number].answered.load(Ordering::Acquire) >= number
    }

    /// What it has written last to each task must be answered too.
    fn open_ends(&self) -> impl Iterator<Item = (usize, u64)> + use<> {
        self.last.into_iter().enumerate()
    }

    fn block(mut self, wakes: u64, handle: &RemoteHandle) {
        for _ in 0..wakes {
            if let Some(letter) = self.write() {
                self.wait(letter);
            }
            match self.random.below(256) {
                0 => {
                    let storm = self.storm.clone();
                    let call = move || _ = storm.calls.fetch_add(1, Ordering::Relaxed);
                    handle.call(call).unwrap();
                }
                1 => {
                    let storm = self.storm.clone();
                    let task = async move || storm.spawns.fetch_add(1, Ordering::Relaxed);
                    handle.spawn(task).wait(None).unwrap();
                }
                _ => {}
            }
        }
        self.open_ends().for_each(|letter| self.wait(letter));
    }

    fn wait(&self, letter: (usize, u64)) {
        for round in 1_u32.. {
            if self.has_answer(letter) {
                return;
            }
            if round % 64 == 0 { thread::yield_now() } else { spin_loop() }
        }
    }

    async fn run(mut self, wakes: u64) {
        for round in 0..wakes {
            if let Some(letter) = self.write() {
                if self.random.below(8) == 0 {
                    // This loop stands still meanwhile: its message must have left by itself.
                    self.wait(letter);
                }
                self.answer(letter).await;
            } else if round % 16 == 0 {
                yield_now().await;
            }
        }
        for letter in self.open_ends() {
            self.answer(letter).await;
        }
    }

    fn answer(&self, letter: (usize, u64)) -> impl Future<Output = ()> + '_ {
        poll_fn(move |cx| {
            let writer = &self.storm.boxes[letter.0][self.number].writer;
            writer.register(cx.waker());
            if self.has_answer(letter) { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

async fn readers(storm: Arc<Storm>, hand_out: impl FnOnce(Vec<Waker>, RemoteHandle)) {
    let (ready, wakers) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(Vec::new())));
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        let (storm, ready, wakers) = (storm.clone(), ready.clone(), wakers.clone());
        tasks.push(spawn(async move {
            poll_fn(|cx| {
                let mut all = wakers.take();
                all.push(cx.waker().clone());
                wakers.set(all);
                Poll::Ready(())
            })
            .await;
            reader(storm, number, ready).await;
        }));
    }
    while ready.get() < TASKS {
        yield_now().await;
    }
    hand_out(wakers.take(), RemoteHandle::current());
    for task in tasks {
        task.await.unwrap();
    }
}

/// Ends a source; the last one wakes all tasks, which see that they are not needed any more.
fn leave(storm: &Storm, wakers: &[Waker]) {
    if storm.sources.fetch_sub(1, Ordering::AcqRel) == 1 {
        wakers.iter().for_each(Waker::wake_by_ref);
    }
}

fn storm(wakes: u64, spin: Duration, storm: &Arc<Storm>) {
    storm.sources.store(SOURCES, Ordering::Relaxed);
    let (sender, receiver) = channel();
    let theirs = storm.clone();
    let target = thread::spawn(move || {
        let mut runner = Runner::builder().spin(spin).build().unwrap();
        let before = sleeps();
        let parks = theirs.clone();
        runner
            .run(readers(theirs, move |wakers, handle| sender.send((wakers, handle)).unwrap()))
            .unwrap();
        parks.parks.store(sleeps() - before, Ordering::Relaxed);
    });
    let (wakers, handle) = receiver.recv().unwrap();
    let source = |number: usize| Source {
        storm: storm.clone(),
        wakers: wakers.clone(),
        number,
        random: Random(wakes ^ number as u64),
        last: [0; TASKS],
    };
    let each = wakes / SOURCES as u64;
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (source, handle, wakers) = (source(number), handle.clone(), wakers.clone());
            scope.spawn(move || {
                source.block(each, &handle);
                leave(storm, &wakers);
            });
        }
        // Another loop, whose wakes are messages from ring to ring.
        let (sources, wakers) = ([source(THREADS), source(THREADS + 1)], wakers.clone());
        scope.spawn(move || {
            let mut runner = Runner::builder().spin(spin).build().unwrap();
            let run = runner.run(async {
                let tasks = sources.map(|source| {
                    let (storm, wakers) = (source.storm.clone(), wakers.clone());
                    spawn(async move {
                        source.run(each).await;
                        leave(&storm, &wakers);
                    })
                });
                for task in tasks {
                    task.await.unwrap();
                }
            });
            run.unwrap();
        });
    });
    target.join().unwrap();
}

/// Runs a storm on threads of its own and fails when it stands still.
fn watched(name: &str, wakes: u64, spin: Duration) {
    // One storm at a time: loops that share CPUs do not spin.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    let shared = Arc::new(Storm::default());
    let theirs = shared.clone();
    let (done, ended) = channel::<()>();
    let thread = thread::spawn(move || {
        let _done = done;
        storm(wakes, spin, &theirs);
    });
    let mut before = (0, 0);
    while ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
        let now = (shared.wakes.load(Ordering::Relaxed), shared.polls.load(Ordering::Relaxed));
        assert_ne!(now, before, "a wake was lost: nothing happens after so many wakes and polls");
        before = now;
    }
    thread.join().unwrap_or_else(|panic| resume_unwind(panic));
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (polls, parks) = (count(&shared.polls), count(&shared.parks));
    println!(
        "wakes, {name}: {} wakes, {} closures and {} tasks from outside, {polls} polls that found a letter, {parks} parks",
        count(&shared.wakes),
        count(&shared.calls),
        count(&shared.spawns),
    );
    assert_eq!(count(&shared.wakes), wakes);
    // A loop that spins may meet every wake while it does.
    let least = if spin.is_zero() { wakes / 1000 } else { 0 };
    assert!(parks >= least, "the loop has hardly parked: {parks} times");
}

#[test]
fn of_the_wakes_at_a_loop_that_parks_none_is_lost() {
    watched("a loop that parks", if is_long() { 5_000_000 } else { 500_000 }, Duration::ZERO);
}

#[test]
fn of_the_wakes_at_a_loop_that_spins_none_is_lost() {
    let spin = Duration::from_micros(50);
    watched("a loop that spins", if is_long() { 5_000_000 } else { 500_000 }, spin);
}
