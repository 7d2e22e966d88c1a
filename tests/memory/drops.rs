//! The attack: futures of every kind end too early, by the hundred thousand, on loops of which
//! many end mid-way.

use std::cell::RefCell;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use ringio::net::TcpStream;
use ringio::{Builder, JoinHandle, Runner};

use super::connection::{end_by_reset, message};
use super::end::{End, Planned, planned_panic};
use super::figures::{Figures, times};
use super::lane::Lane;
use super::quarantine::{FREED, HOLD, UNMAPPED, inspect};
use super::world::{Remains, World, busy_address};
use crate::support::*;

/// Loops in the short mode.
const LOOPS: usize = 400;

/// Futures that end early, per loop.
const ENDS: usize = 260;

const LANES: usize = 8;

/// Forgotten loops; each keeps its ring, sockets and memory for good.
const FORGOTTEN: usize = 20;

/// How a loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    InOrder,
    /// Its runner is dropped with everything in flight.
    MidWay,
    /// As before, by a panic that unwinds.
    Unwinding,
    /// The main future panics; the runner goes on for a while, then as mid-way.
    MainPanics,
    /// The runner is forgotten.
    Forgotten,
}

#[derive(Debug, Clone, Copy)]
struct Course {
    seed: u64,
    ending: Ending,
    leaky: bool,
    tiny: bool,
}

fn course(seed: u64, figures: &Figures) -> (Course, Builder) {
    let mut random = Random(seed);
    let ending = match random.below(16) {
        0..4 => Ending::InOrder,
        4..10 => Ending::MidWay,
        10..12 => Ending::Unwinding,
        12..15 => Ending::MainPanics,
        _ if figures.forgotten_loops.get() < FORGOTTEN => Ending::Forgotten,
        _ => Ending::MidWay,
    };
    let mut leaky = random.below(8) == 0;
    let builder = Runner::builder().exception_handler(|_| {});
    let builder = match random.below(4) {
        // All of it would be leaked.
        0 if !leaky && ending != Ending::Forgotten => builder,
        0 | 1 => builder.buffers(2, 4096),
        2 => builder.buffers(8, 512),
        _ => builder.buffers(16, 16 * 1024),
    };
    let entries = [1, 2, 8, 256][random.below(4)];
    leaky |= ending == Ending::Forgotten;
    (Course { seed, ending, leaky, tiny: entries == 1 }, builder.entries(entries))
}

type Lanes = RefCell<Vec<JoinHandle<()>>>;

/// Runs the lanes until there were enough early ends; if the loop ends in order, until they have
/// ended too.
async fn main(course: Course, figures: Arc<Figures>, remains: Rc<Remains>, lanes: Rc<Lanes>) {
    let world = World::new(figures, remains, (course.leaky, course.tiny), ENDS).await;
    let world = Rc::new(world);
    let mut random = Random(!course.seed);
    for _ in 0..LANES {
        let lane = Lane::new(world.clone(), Random(random.next()));
        lanes.borrow_mut().push(ringio::spawn(lane.run()));
    }
    // The main future's own, which borrow from it.
    let mut stream = super::lane::connection(&world).0;
    let (mut read, mut write) = stream.split();
    let mut reading = Box::pin(read.read(vec![0; 5000]));
    let mut writing = Box::pin(write.write(message(0, 400_000)));
    let mut connecting = Box::pin(TcpStream::connect(busy_address()));
    assert!(poll_once(&mut reading).await.is_pending());
    assert!(poll_once(&mut writing).await.is_pending());
    assert!(poll_once(&mut connecting).await.is_pending());
    let failed = || lanes.borrow().iter().any(|lane| lane.is_finished()) && !world.is_over();
    until(|| world.is_over() || failed()).await;
    if course.ending == Ending::InOrder || failed() {
        for lane in lanes.take() {
            if let Err(error) = lane.await {
                resume_unwind(error.into_panic());
            }
        }
        while world.unanswered() > 0 {
            drop(world.listener.accept().await.unwrap());
            world.accepted.set(world.accepted.get() + 1);
        }
    }
    if course.ending == Ending::MainPanics {
        planned_panic();
    }
}

/// A lane that has failed is a failure, whatever becomes of the loop.
fn look_at(lanes: &Lanes) {
    for mut lane in lanes.take() {
        let outcome = std::pin::Pin::new(&mut lane).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(Err(error)) = outcome
            && error.is_panic()
        {
            resume_unwind(error.into_panic());
        }
    }
}

/// One loop, from its start to its end and beyond, on this thread.
fn one_loop(course: Course, builder: Builder, figures: &Arc<Figures>) {
    let mut runner = builder.build().unwrap();
    let (remains, lanes) = (Rc::new(Remains::default()), Rc::new(Lanes::default()));
    let main = main(course, figures.clone(), remains.clone(), lanes.clone());
    match catch_unwind(AssertUnwindSafe(|| runner.run(main))) {
        Ok(ended) => ended.unwrap(),
        Err(panic) if panic.is::<Planned>() => {
            runner.run(settle()).unwrap();
        }
        Err(panic) => resume_unwind(panic),
    }
    figures.loops.add(1);
    let peers = std::mem::take(&mut *remains.peers.borrow_mut());
    peers.iter().for_each(end_by_reset);
    let stop = Arc::new(AtomicBool::new(false));
    // What is in flight gets something to do while the loop ends.
    send_to_all(&peers);
    let flood = (course.ending != Ending::InOrder).then(|| {
        let stop = stop.clone();
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                send_to_all(&peers);
            }
            peers
        })
    });
    match course.ending {
        Ending::Forgotten => {
            figures.forgotten_loops.add(1);
            forget(runner);
        }
        Ending::Unwinding => {
            figures.ended_mid_way.add(1);
            let panic = catch_unwind(AssertUnwindSafe(move || {
                let _runner = runner;
                planned_panic()
            }));
            assert!(panic.is_err_and(|panic| panic.is::<Planned>()));
        }
        ending => {
            figures.ended_mid_way.add(usize::from(ending != Ending::InOrder));
            drop(runner);
        }
    }
    stop.store(true, Ordering::Relaxed);
    let peers = flood.map(|flood| flood.join().unwrap());
    look_at(&lanes);
    let survivors = std::mem::take(&mut *remains.survivors.borrow_mut());
    end_survivors(survivors, course, figures);
    peers.iter().for_each(|peers| send_to_all(peers));
}

fn send_to_all(peers: &[std::net::TcpStream]) {
    for mut peer in peers {
        drop(std::io::Write::write(&mut peer, &[7; 100]));
    }
}

/// Futures that have outlived their loop: polled on another one, dropped, forgotten.
fn end_survivors(survivors: Vec<super::world::Survivor>, course: Course, figures: &Figures) {
    let mut random = Random(course.seed + 1);
    figures.survivors.add(survivors.len());
    let (mut some, others): (Vec<_>, Vec<_>) =
        survivors.into_iter().partition(|_| random.below(4) == 0);
    if !some.is_empty() {
        let mut runner = Runner::builder().buffers(1, 512).build().unwrap();
        let polled = runner.run(async move {
            for survivor in &mut some {
                let _ = poll_once(survivor).await;
            }
        });
        polled.unwrap();
    }
    for survivor in others {
        let end = match random.below(3) {
            0 if course.leaky => End::Forgotten,
            1 => End::Panicked,
            _ => End::Dropped,
        };
        end.befall(survivor, forget);
    }
}

/// As many descriptors as are allowed: what is leaked on purpose keeps some.
fn raise_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
}

#[test]
fn whatever_becomes_of_a_future_nobody_writes_to_freed_memory() {
    raise_limit();
    let figures = Arc::new(Figures::default());
    let loops = LOOPS * times();
    let seeds = Arc::new(Mutex::new(0..loops as u64));
    let workers = [(); 2].map(|()| {
        let (figures, seeds) = (figures.clone(), seeds.clone());
        thread::spawn(move || {
            let next = || seeds.lock().unwrap().next();
            while let Some(seed) = next() {
                let (course, builder) = course(seed, &figures);
                // Each loop has a thread and a watchdog of its own. If one fails, this says which.
                println!("{course:?}");
                let figures = figures.clone();
                within(move || one_loop(course, builder, &figures));
                if seed % 8 == 0 {
                    inspect();
                }
            }
        })
    });
    for worker in workers {
        worker.join().unwrap();
    }
    let held = inspect();
    let (freed, unmapped) = (FREED.load(Ordering::Relaxed), UNMAPPED.load(Ordering::Relaxed));
    println!("{figures}");
    println!(
        "{freed} blocks freed, {unmapped} of them mappings; {held} bytes held; 0 stray writes"
    );
    assert!(unmapped >= loops && held >= HOLD, "the quarantine is idle");
    let ended = figures.ended();
    assert!(ended >= 100_000 * times(), "{ended} are too few");
    assert!(figures.in_flight.get() * 100 >= ended * 30, "too few were in flight");
    assert!(figures.orphans() >= 1000 * times(), "too few were late");
    assert!(figures.orphans_own.get() >= 300 * times(), "too few were late");
    assert!(figures.ended_mid_way.get() >= 200 * times(), "too few ended mid-way");
    assert!(figures.kinds.iter().all(|kind| kind.get() > 0), "a kind is missing");
}
