//! Wakes from other threads: none is lost, and none does harm after the loop's end.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::future::{Future, poll_fn};
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use ringio::net::{TcpListener, TcpStream};
use ringio::{Cores, Runner, spawn};
use watchdog::bounded;

/// Wakes of each kind.
const WAKES: u64 = if cfg!(debug_assertions) { 50_000 } else { 100_000 };

/// A number that one side raises and the other waits for.
#[derive(Default)]
struct Signal {
    value: AtomicU64,
    waker: AtomicWaker,
}

impl Signal {
    fn raise(&self, to: u64) {
        self.value.store(to, Ordering::Release);
        self.waker.wake();
    }

    fn has(&self, value: u64) -> bool {
        self.value.load(Ordering::Acquire) >= value
    }

    async fn reaches(&self, value: u64) {
        poll_fn(|cx| {
            if self.has(value) {
                return Poll::Ready(());
            }
            self.waker.register(cx.waker());
            if self.has(value) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Pauses that meet a loop in all its moods: awake, about to park, spinning, parked.
struct Pauses(u64);

impl Pauses {
    fn pause(&mut self) {
        // xorshift
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        for _ in 0..self.0 % 64 * (self.0 >> 8) % 97 {
            spin_loop();
        }
        if self.0.is_multiple_of(512) {
            thread::sleep(Duration::from_micros(100));
        }
    }
}

/// Wakes a loop from a thread that is none, each time after it has waited again.
fn from_a_thread(builder: ringio::Builder) {
    let (there, back) = (Arc::new(Signal::default()), Arc::new(AtomicU64::new(0)));
    let (theirs, answered) = (there.clone(), back.clone());
    let thread = thread::spawn(move || {
        let mut pauses = Pauses(0x9E37_79B9);
        for round in 1..=WAKES {
            pauses.pause();
            theirs.raise(round);
            while answered.load(Ordering::Acquire) < round {
                thread::yield_now();
            }
        }
    });
    let mut runner = builder.build().unwrap();
    let run = runner.run(async {
        for round in 1..=WAKES {
            there.reaches(round).await;
            back.store(round, Ordering::Release);
        }
    });
    run.unwrap();
    thread.join().unwrap();
}

#[test]
fn none_is_lost_on_the_way_to_a_loop_that_parks() {
    bounded(|| from_a_thread(Runner::builder().spin(Duration::ZERO)));
}

#[test]
fn none_is_lost_on_the_way_to_a_loop_that_spins() {
    bounded(|| from_a_thread(Runner::builder().spin(Duration::from_micros(50))));
}

#[test]
fn none_is_lost_between_two_loops() {
    bounded(|| {
        for spin in [Duration::ZERO, Duration::from_micros(50)] {
            let signals = [Signal::default(), Signal::default()];
            let cores = Cores::count(2).builder(Runner::builder().spin(spin));
            let run = cores.run(|core| {
                let (mine, other) = (&signals[core.index()], &signals[1 - core.index()]);
                async move {
                    let mut pauses = Pauses(1 + core.index() as u64);
                    for round in 1..=WAKES / 2 {
                        if core.index() == 0 {
                            other.raise(round);
                            mine.reaches(round).await;
                        } else {
                            mine.reaches(round).await;
                            other.raise(round);
                        }
                        if round % 16 == 0 {
                            pauses.pause();
                        }
                    }
                }
            });
            run.unwrap();
        }
    });
}

#[test]
fn many_threads_wake_many_tasks() {
    bounded(|| {
        ringio::run(async {
            let rounds = WAKES / 20;
            let mut tasks = Vec::new();
            for seed in 1..=4 {
                let signal = Arc::new(Signal::default());
                let theirs = signal.clone();
                tasks.push(spawn(async move { signal.reaches(rounds).await }));
                thread::spawn(move || {
                    let mut pauses = Pauses(seed);
                    for round in 1..=rounds {
                        theirs.raise(round);
                        pauses.pause();
                    }
                });
            }
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
}

/// Hands its waker out at each poll, and never ends.
struct GivesWaker(mpsc::Sender<Waker>);

impl Future for GivesWaker {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.send(cx.waker().clone()).unwrap();
        Poll::Pending
    }
}

#[test]
fn after_the_end_a_waker_does_nothing_on_any_thread() {
    bounded(|| {
        let (give, get) = mpsc::channel();
        ringio::run(async {
            spawn(GivesWaker(give));
            ringio::yield_now().await;
        });
        let waker = get.recv().unwrap();
        waker.wake_by_ref();
        let clones = [(); 4].map(|()| waker.clone());
        let threads = clones.map(|waker| {
            thread::spawn(move || {
                waker.wake_by_ref();
                drop(waker.clone());
                waker.wake();
            })
        });
        drop(waker);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn wakes_race_with_the_end() {
    bounded(|| {
        for _ in 0..if cfg!(debug_assertions) { 200 } else { 1_000 } {
            let (give, get) = mpsc::channel();
            let thread = thread::spawn(move || {
                // The last waker is dropped here, perhaps after the loop.
                let wakers: Vec<Waker> = get.iter().inspect(Waker::wake_by_ref).collect();
                wakers.into_iter().for_each(Waker::wake);
            });
            ringio::run(async {
                spawn(GivesWaker(give));
                for _ in 0..5 {
                    ringio::yield_now().await;
                }
            });
            thread.join().unwrap();
        }
    });
}

/// A loop on another thread that waits for the signal, parked.
fn parked_until(signal: &Arc<Signal>) -> thread::JoinHandle<()> {
    let signal = signal.clone();
    let (about_to_park, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        let mut runner = Runner::builder().spin(Duration::ZERO).build().unwrap();
        let run = runner.run(async {
            about_to_park.send(()).unwrap();
            signal.reaches(1).await;
        });
        run.unwrap();
    });
    wait.recv().unwrap();
    // It makes no difference for the outcome if this should be too short.
    thread::sleep(Duration::from_millis(20));
    thread
}

/// Wakes of another loop that are caused at the very end of a run must leave with it: this loop
/// stands still from then on.
#[test]
fn a_wake_out_of_a_run_s_last_moments_arrives() {
    struct Wakes(Arc<Signal>);
    impl Drop for Wakes {
        fn drop(&mut self) {
            self.0.raise(1);
        }
    }
    bounded(|| {
        let signal = Arc::new(Signal::default());
        let parked = parked_until(&signal);
        let mut runner = Runner::builder().build().unwrap();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            runner.run(async {
                let _wakes = Wakes(signal.clone());
                panic!("the last moment");
            })
        }));
        assert!(ended.is_err());
        // The other loop ends although this one does not run any more.
        parked.join().unwrap();
    });
}

/// As a foreign task's waker would: told of a completion, it wakes another loop.
struct Forwards(Arc<Signal>);

impl std::task::Wake for Forwards {
    fn wake(self: Arc<Self>) {
        self.0.raise(1);
    }
}

#[test]
fn a_wake_out_of_a_run_s_last_completions_arrives() {
    bounded(|| {
        let signal = Arc::new(Signal::default());
        let parked = parked_until(&signal);
        let mut runner = Runner::builder().build().unwrap();
        let kept: Mutex<Option<TcpStream>> = Mutex::default();
        runner
            .run(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                let (mut server, _) = listener.accept().await.unwrap();
                // A write whose completion comes in the last turn, and tells a foreign waker.
                let waker = Waker::from(Arc::new(Forwards(signal.clone())));
                let mut write = Box::pin(server.write_all("x"));
                let first = write.as_mut().poll(&mut Context::from_waker(&waker));
                std::mem::forget(write);
                assert!(first.is_pending());
                std::mem::forget(server);
                *kept.lock().unwrap() = Some(client);
            })
            .unwrap();
        parked.join().unwrap();
    });
}
