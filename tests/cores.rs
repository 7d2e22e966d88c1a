//! Several loops: they start together, reach each other, and end together.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use ringio::{Cores, CoresError, LoopClosed, RemoteError, RemoteHandle, Runner, spawn, yield_now};
use watchdog::bounded;

/// The CPUs that this thread may run on.
fn mask() -> Vec<usize> {
    let mask = sched_getaffinity(Pid::from_raw(0)).unwrap();
    (0..CpuSet::count()).filter(|&cpu| mask.is_set(cpu).unwrap()).collect()
}

#[test]
fn results_come_in_order_and_futures_may_borrow() {
    bounded(|| {
        let words = ["zero", "one", "two"];
        let (started, borrowed) = (AtomicUsize::new(0), &words);
        let results = Cores::count(3).run(|core| {
            let started = &started;
            async move {
                started.fetch_add(1, Ordering::Relaxed);
                for _ in core.index()..3 {
                    yield_now().await;
                }
                assert_eq!((core.count(), core.peers().len()), (3, 3));
                borrowed[core.index()]
            }
        });
        assert_eq!(results.unwrap(), words);
        assert_eq!(started.into_inner(), 3);
        assert_eq!(Cores::count(0).run(|_| async {}).unwrap(), []);
    });
}

#[test]
fn each_thread_is_pinned_within_the_mask() {
    bounded(|| {
        let allowed = mask();
        let own = allowed.clone();
        let pinned = Cores::all().run(|core| async move { (core.cpu(), mask()) }).unwrap();
        assert_eq!(pinned.len(), allowed.len());
        for (place, (cpu, mask)) in pinned.into_iter().enumerate() {
            assert_eq!((cpu, mask), (Some(allowed[place]), vec![allowed[place]]));
        }
        let more = allowed.len() + 1;
        let shared = Cores::count(more).run(|core| async move { core.cpu() }).unwrap();
        assert_eq!(shared.last(), Some(&Some(allowed[0])), "they share");
        let free = Cores::count(2).pin(false).run(|core| async move { (core.cpu(), mask()) });
        assert_eq!(free.unwrap(), [(None, own.clone()), (None, own.clone())]);
        assert_eq!(mask(), own, "the caller's own thread is left alone");
    });
}

#[test]
fn a_cpu_that_does_not_exist_is_named_and_nothing_runs() {
    bounded(|| {
        for cpu in [1_000, 1_000_000] {
            let list = [mask()[0], cpu];
            let ended = Cores::list(list).run(|_| async { panic!("none must start") });
            let Err::<Vec<()>, _>(CoresError::Start(error)) = ended else { panic!("it started") };
            assert!(error.to_string().contains(&format!("CPU {cpu}")), "{error}");
        }
        let unpinned =
            Cores::list([mask()[0], 1_000]).pin(false).run(|core| async move { core.index() });
        assert_eq!(unpinned.unwrap(), [0, 1]);
    });
}

#[test]
fn the_builder_makes_each_loop() {
    bounded(|| {
        let reports = Arc::new(AtomicUsize::new(0));
        let counted = reports.clone();
        let builder = Runner::builder().name("each").entries(64).exception_handler(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let names = Cores::count(2).builder(builder).run(|_| async {
            drop(spawn(async { panic!("unseen") }));
            yield_now().await;
            ringio::task::current().unwrap().name().unwrap().to_owned()
        });
        assert_eq!(names.unwrap(), ["each", "each"]);
        assert_eq!(reports.load(Ordering::Relaxed), 2);
    });
}

async fn busy_for_ever() {
    loop {
        yield_now().await;
    }
}

#[test]
fn a_panic_in_one_ends_the_rest_in_order() {
    bounded(|| {
        struct Counted<'a>(&'a AtomicUsize);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        for (busy, first) in [(false, 0), (true, 0), (false, 2), (true, 2)] {
            let dropped = AtomicUsize::new(0);
            let ended = Cores::count(3).pin(false).run(|core| {
                let counted = Counted(&dropped);
                async move {
                    let _counted = counted;
                    assert!(core.index() != first, "number {first} gave up");
                    if busy {
                        busy_for_ever().await;
                    }
                    pending::<()>().await;
                }
            });
            let Err(CoresError::Panicked { core, payload }) = ended else { panic!("no panic") };
            assert_eq!(core, first);
            assert!(payload.downcast_ref::<String>().unwrap().ends_with("gave up"));
            assert_eq!(dropped.into_inner(), 3);
        }
        // Also one that panics before it is a future.
        let ended = Cores::count(2).pin(false).run(|core| {
            assert!(core.index() != 1, "no future");
            pending::<()>()
        });
        assert!(matches!(ended, Err(CoresError::Panicked { core: 1, .. })));
    });
}

#[test]
fn cores_inside_a_loop_have_threads_of_their_own() {
    bounded(|| {
        let sum = ringio::run(async {
            Cores::count(2).run(|core| async move { core.index() }).unwrap().iter().sum::<usize>()
        });
        assert_eq!(sum, 1);
    });
}

#[test]
fn cores_call_and_spawn_on_each_other() {
    bounded(|| {
        let results = Cores::count(2).pin(false).run(|core| async move {
            let peer = core.peers()[1 - core.index()].clone();
            let mut sum = 0;
            for i in 0..200 {
                sum += peer
                    .spawn(move || async move {
                        let local = Rc::new(Cell::new(i));
                        yield_now().await;
                        local.get()
                    })
                    .await
                    .unwrap();
            }
            // A loop stays until the peer has had its answers.
            let (told, tell) = (Arc::new(AtomicUsize::new(0)), peer);
            let here = core.peers()[core.index()].clone();
            let heard = told.clone();
            tell.spawn(move || async move {
                here.call(move || heard.store(1, Ordering::Release)).is_ok()
            })
            .await
            .unwrap();
            while told.load(Ordering::Acquire) == 0 {
                yield_now().await;
            }
            meet(&core).await;
            sum
        });
        assert_eq!(results.unwrap(), [19_900, 19_900]);
    });
}

/// Waits until every loop has come here: one that ended would refuse the others.
async fn meet(core: &ringio::Core) {
    thread_local! {
        static CAME: Cell<usize> = const { Cell::new(0) };
    }
    for peer in core.peers() {
        peer.call(|| CAME.set(CAME.get() + 1)).expect("nobody ends before all have met");
    }
    while CAME.get() < core.count() {
        yield_now().await;
    }
}

/// A loop on a thread of its own, and what ends it.
fn elsewhere() -> (RemoteHandle, mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (give, get) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let mut runner = Runner::builder().build().unwrap();
        give.send(runner.handle()).unwrap();
        let handle = runner.handle();
        let watcher = thread::spawn(move || {
            let _ = ended.recv();
            handle
        });
        runner
            .run(async {
                while !watcher.is_finished() {
                    ringio::time::sleep(Duration::from_micros(500)).await;
                }
            })
            .unwrap();
        drop(watcher.join());
    });
    (get.recv().unwrap(), end, thread)
}

#[test]
fn a_thread_waits_with_a_limit_or_cancels() {
    bounded(|| {
        let (handle, end, thread) = elsewhere();
        assert_eq!(handle.spawn(|| async { 6 * 7 }).wait(None).unwrap(), 42);
        let (send, receive) = mpsc::channel::<u32>();
        let mut slow = handle.spawn(move || async move {
            loop {
                if let Ok(value) = receive.try_recv() {
                    return value;
                }
                yield_now().await;
            }
        });
        for limit in [Duration::ZERO, Duration::from_millis(2)] {
            assert!(matches!(slow.wait(limit), Err(RemoteError::Timeout)));
        }
        assert!(!slow.is_finished());
        send.send(9).unwrap();
        assert_eq!(slow.wait(Duration::from_secs(30)).unwrap(), 9);

        let mut endless = handle.spawn(pending::<()>);
        endless.cancel();
        assert!(matches!(endless.wait(None), Err(RemoteError::Cancelled)));
        assert!(endless.is_finished(), "also after the outcome was taken");
        let mut panics = handle.spawn(|| async { panic!("far away") });
        let Err(RemoteError::Panicked(payload)) = panics.wait(None) else { panic!("no panic") };
        assert_eq!(payload.downcast_ref(), Some(&"far away"));
        drop(end);
        thread.join().unwrap();
    });
}

#[test]
fn a_closure_that_panics_before_it_is_a_future_does_not_hang_its_caller() {
    bounded(|| {
        let (handle, end, thread) = elsewhere();
        let mut never = handle.spawn(|| -> std::future::Ready<()> { panic!("no future") });
        assert!(never.wait(None).is_err());
        handle.call(|| panic!("a closure gave up")).unwrap();
        assert_eq!(handle.spawn(|| async { 1 }).wait(None).unwrap(), 1, "the loop lives");
        drop(end);
        thread.join().unwrap();
    });
}

#[test]
fn after_the_end_a_handle_says_loop_closed() {
    bounded(|| {
        let (handle, end, thread) = elsewhere();
        let mut left = handle.spawn(pending::<()>);
        drop(end);
        thread.join().unwrap();
        // Cancelled by the end of the loop, or never begun.
        assert!(matches!(left.wait(None), Err(RemoteError::LoopClosed | RemoteError::Cancelled)));
        assert!(handle.is_closed());
        let dropped = Arc::new(());
        let theirs = dropped.clone();
        assert_eq!(handle.call(move || drop(theirs)), Err(LoopClosed));
        assert_eq!(Arc::strong_count(&dropped), 1, "the closure is gone");
        let mut late = handle.spawn(|| async { 1 });
        assert!(matches!(late.wait(None), Err(RemoteError::LoopClosed)));
        let late = handle.spawn(|| async { 1 });
        assert!(matches!(ringio::run(late), Err(RemoteError::LoopClosed)));
    });
}

#[test]
fn senders_race_with_the_end_and_never_hang() {
    bounded(|| {
        for _ in 0..if cfg!(debug_assertions) { 100 } else { 400 } {
            let mut runner = Runner::builder().build().unwrap();
            let handle = runner.handle();
            let senders: Vec<_> = (0..2)
                .map(|_| {
                    let handle = handle.clone();
                    thread::spawn(move || {
                        loop {
                            match handle.spawn(|| async { 3 }).wait(None) {
                                Ok(three) => assert_eq!(three, 3),
                                Err(RemoteError::LoopClosed | RemoteError::Cancelled) => return,
                                Err(error) => panic!("{error}"),
                            }
                        }
                    })
                })
                .collect();
            runner
                .run(async {
                    for _ in 0..20 {
                        yield_now().await;
                    }
                })
                .unwrap();
            drop(runner);
            senders.into_iter().for_each(|sender| sender.join().unwrap());
        }
    });
}

#[test]
fn outside_a_loop_there_is_no_current_handle() {
    let panicked = catch_unwind(AssertUnwindSafe(RemoteHandle::current));
    let payload = panicked.unwrap_err();
    assert!(payload.downcast_ref::<&str>().unwrap().contains("no event loop runs"));
}
