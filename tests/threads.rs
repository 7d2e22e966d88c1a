//! Functions on other threads: bounded, cancelled as far as that goes, and awaited by the loop's
//! end.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ringio::{JoinError, Runner, ThreadJob, ThreadPool, spawn, timeout, to_thread, yield_now};
use watchdog::bounded;

/// Says when it is dropped, and on which thread.
struct OnDrop(Sender<thread::ThreadId>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

/// A pool's only thread, in a function that has begun and returns when told to.
struct Held {
    go: Sender<()>,
    job: ThreadJob<thread::ThreadId>,
}

impl Held {
    fn in_pool(pool: &ThreadPool) -> Held {
        let ((go, gone), (begin, begun)) = (channel(), channel());
        let job = pool.run(move || {
            begin.send(()).unwrap();
            gone.recv().unwrap();
            thread::current().id()
        });
        begun.recv().unwrap();
        Held { go, job }
    }
}

#[test]
fn a_function_runs_elsewhere_and_its_result_comes_back() {
    bounded(|| {
        let home = thread::current().id();
        ringio::run(async move {
            let words = ["a".to_owned(), "b".to_owned()];
            let job = to_thread(move || (words.concat(), thread::current().id()));
            let (text, there) = job.await.unwrap();
            assert_eq!(text, "ab");
            assert_ne!(there, home);
            let name = || thread::current().name().map(str::to_owned);
            assert_eq!(to_thread(name).await.unwrap().as_deref(), Some("ringio-thread"));
            let own = ThreadPool::new(1).run(name).await;
            assert_eq!(own.unwrap().as_deref(), Some("ringio-pool"));
        });
    });
}

#[test]
fn a_loop_that_waits_for_nothing_else_is_woken() {
    bounded(|| {
        let mut runner = Runner::builder().spin(Duration::ZERO).build().unwrap();
        for round in 0..1_000 {
            assert_eq!(
                runner.run(async { to_thread(move || round).await.unwrap() }).unwrap(),
                round
            );
        }
    });
}

#[test]
fn a_panic_is_returned_and_the_thread_lives() {
    bounded(|| {
        ringio::run(async {
            let pool = ThreadPool::new(1);
            let before = pool.run(|| thread::current().id()).await.unwrap();
            match pool.run(|| panic!("the function gave up")).await {
                Err(JoinError::Panicked(payload)) => {
                    assert_eq!(payload.downcast_ref(), Some(&"the function gave up"));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(pool.run(|| thread::current().id()).await.unwrap(), before);
        });
    });
}

#[test]
fn as_many_run_at_a_time_as_there_may_be_threads() {
    bounded(|| {
        let pool = ThreadPool::new(3);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let meet = Arc::new(Barrier::new(3));
        ringio::run(async {
            let jobs: Vec<_> = (0..30)
                .map(|_| {
                    let (running, most, meet) = (running.clone(), most.clone(), meet.clone());
                    pool.run(move || {
                        most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                        // Three at a time, or this hangs.
                        meet.wait();
                        running.fetch_sub(1, SeqCst);
                    })
                })
                .collect();
            for job in jobs {
                job.await.unwrap();
            }
        });
        assert_eq!(most.load(SeqCst), 3);
    });
}

#[test]
fn jobs_begin_in_the_order_of_the_calls() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let held = Held::in_pool(&pool);
        let (say, said) = channel();
        let jobs: Vec<_> = (0..20)
            .map(|number| {
                let say = say.clone();
                pool.run(move || say.send(number).unwrap())
            })
            .collect();
        held.go.send(()).unwrap();
        ringio::run(async {
            for job in jobs {
                job.await.unwrap();
            }
        });
        assert!(said.try_iter().eq(0..20));
    });
}

/// A function that must not run, and when it is dropped.
fn never() -> (impl FnOnce() + Send + 'static, Receiver<thread::ThreadId>) {
    let (say, dropped) = channel();
    let guard = OnDrop(say);
    let never = move || {
        let _guard = guard;
        unreachable!("it was taken off the queue");
    };
    (never, dropped)
}

#[test]
fn dropped_before_it_began_it_never_runs() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let held = Held::in_pool(&pool);
        ringio::run(async {
            let (function, dropped) = never();
            let job = pool.run(function);
            assert!(dropped.try_recv().is_err());
            drop(job);
            assert_eq!(dropped.try_recv(), Ok(thread::current().id()), "at once, and here");
            // The same when a timeout drops it.
            let (function, dropped) = never();
            assert!(timeout(Duration::from_millis(1), pool.run(function)).await.is_err());
            assert!(dropped.try_recv().is_ok());
            // And when the task that awaits it is cancelled.
            let (function, dropped) = never();
            let task = spawn(pool.run(function));
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert!(dropped.try_recv().is_ok());
            held.go.send(()).unwrap();
            held.job.await.unwrap();
            pool.run(|| ()).await.unwrap();
        });
    });
}

#[test]
fn cancelled_before_it_began_it_never_runs() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let held = Held::in_pool(&pool);
        ringio::run(async {
            let (function, dropped) = never();
            let job = pool.run(function);
            assert!(job.cancel());
            assert!(dropped.try_recv().is_ok() && job.is_finished());
            assert!(!job.cancel(), "it has ended");
            assert!(job.await.unwrap_err().is_cancelled());
            held.go.send(()).unwrap();
            held.job.await.unwrap();
        });
    });
}

#[test]
fn what_has_begun_runs_on_and_its_result_is_dropped_there() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        ringio::run(async {
            for cancel in [true, false] {
                let ((go, gone), (begin, begun)) = (channel::<()>(), channel());
                let (say, dropped) = channel();
                let job = pool.run(move || {
                    begin.send(thread::current().id()).unwrap();
                    gone.recv().unwrap();
                    OnDrop(say)
                });
                let there = begun.recv().unwrap();
                if cancel {
                    assert!(job.cancel());
                    // The wait ends now, the function does not.
                    assert!(matches!(job.await, Err(JoinError::Cancelled)));
                } else {
                    drop(job);
                }
                go.send(()).unwrap();
                assert_eq!(dropped.recv(), Ok(there));
            }
        });
    });
}

#[test]
fn a_cancellation_that_comes_too_late_changes_nothing() {
    bounded(|| {
        ringio::run(async {
            let job = to_thread(|| 7);
            while !job.is_finished() {
                yield_now().await;
            }
            assert!(!job.cancel());
            assert_eq!(job.await.unwrap(), 7);
        });
    });
}

#[test]
fn a_future_that_is_dropped_loses_no_result() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let held = Held::in_pool(&pool);
        let Held { go, mut job } = held;
        ringio::run(async move {
            for _ in 0..3 {
                assert!(timeout(Duration::from_millis(1), &mut job).await.is_err());
            }
            go.send(()).unwrap();
            job.await.unwrap();
        });
    });
}

#[test]
fn it_is_begun_without_a_loop_and_awaited_anywhere() {
    bounded(|| {
        let job = to_thread(|| 6 * 7);
        let elsewhere = thread::spawn(|| {
            let mut job = pin!(job);
            loop {
                let mut cx = Context::from_waker(Waker::noop());
                if let Poll::Ready(answer) = job.as_mut().poll(&mut cx) {
                    return answer.unwrap();
                }
                thread::yield_now();
            }
        });
        assert_eq!(elsewhere.join().unwrap(), 42);
        assert_eq!(ringio::run(to_thread(|| 1)).unwrap(), 1);
    });
}

#[test]
fn a_pool_that_is_dropped_does_its_jobs_and_ends_its_threads() {
    thread_local! {
        static LAST: RefCell<Option<OnDrop>> = const { RefCell::new(None) };
    }
    bounded(|| {
        let pool = ThreadPool::new(1);
        let held = Held::in_pool(&pool);
        let (say, ended) = channel();
        let job = pool.run(move || LAST.set(Some(OnDrop(say))));
        drop(pool);
        held.go.send(()).unwrap();
        ringio::run(async {
            let there = held.job.await.unwrap();
            job.await.unwrap();
            assert_eq!(ended.recv(), Ok(there), "the thread's own destructors have run");
        });
    });
}

#[test]
fn slow_functions_do_not_delay_look_ups() {
    bounded(|| {
        let gate = Arc::new(AtomicBool::new(false));
        ringio::run(async {
            // More than the default pool has threads.
            let slow: Vec<_> = (0..40)
                .map(|_| {
                    let gate = gate.clone();
                    to_thread(move || {
                        while !gate.load(SeqCst) {
                            thread::yield_now();
                        }
                    })
                })
                .collect();
            assert!(!ringio::net::lookup_host("localhost:80").await.unwrap().is_empty());
            assert!(!slow[39].is_finished());
            gate.store(true, SeqCst);
            for job in slow {
                job.await.unwrap();
            }
        });
    });
}

#[test]
fn the_end_of_a_loop_waits_for_what_has_begun() {
    bounded(|| {
        for detached in [true, false] {
            let mut runner = Runner::builder().build().unwrap();
            let (handle, done) = (runner.handle(), Arc::new(AtomicBool::new(false)));
            let (theirs, (begin, begun)) = (done.clone(), channel());
            let (never, dropped) = never();
            runner
                .run(async {
                    let pool = ThreadPool::new(1);
                    let job = pool.run(move || {
                        begin.send(()).unwrap();
                        // Not before the loop is ending, which it says here.
                        while handle.call(|| ()).is_ok() {
                            thread::yield_now();
                        }
                        theirs.store(true, SeqCst);
                    });
                    let second = pool.run(never);
                    begun.recv().unwrap();
                    if detached {
                        drop((job, second));
                    } else {
                        spawn(async move {
                            job.await.unwrap();
                            second.await.unwrap();
                        });
                    }
                })
                .unwrap();
            assert!(!done.load(SeqCst));
            runner.close();
            assert!(done.load(SeqCst), "it was awaited");
            assert!(dropped.try_recv().is_ok(), "what had not begun was not");
        }
    });
}
