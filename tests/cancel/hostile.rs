//! Destructors, panics, forgotten futures and foreign threads, at the worst moment.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::mem::forget;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use ringio::net::{TcpListener, TcpStream};
use ringio::time::{Instant, sleep};
use ringio::{Cancelled, JoinHandle, Runner, cancel_scope, on_cancel, spawn, timeout, yield_now};

use crate::watchdog::bounded;
use crate::{Log, ms, run};

/// A message, the name of its task, and whether it was spawned in this file.
type Seen = (String, Option<String>, bool);

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_plain_drop_runs_no_clean_up() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let mut dropped = Box::pin(on_cancel(pending::<()>(), async || log.add("clean-up")));
            assert!((&mut dropped).now_or_never().is_none());
            drop(dropped);
            let lost = Box::pin(on_cancel(pending::<()>(), async || log.add("clean-up")));
            futures_util::future::select(lost, Box::pin(sleep(ms(1)))).await;
            let ended = cancel_scope(async |_| {
                on_cancel(sleep(ms(1)), async || log.add("clean-up")).await;
            });
            assert_eq!(ended.await, Ok(()));
            assert_eq!(log.take(), [""; 0]);
        });
    });
}

#[test]
fn what_was_dropped_or_has_ended_delays_no_request() {
    bounded(|| {
        run(async {
            let task = spawn(async {
                on_cancel(yield_now(), async || panic!("it has ended")).await;
                let mut dropped = Box::pin(on_cancel(pending::<()>(), async || panic!("dropped")));
                assert!((&mut dropped).now_or_never().is_none());
                drop(dropped);
                pending::<()>().await;
            });
            sleep(ms(1)).await;
            let began = Instant::now();
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(began.elapsed(), ms(0));
        });
    });
}

#[test]
fn one_that_is_dropped_from_elsewhere_while_it_is_awaited_lets_the_owner_end() {
    type Kept = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;
    bounded(|| {
        run(async {
            let kept: Kept = Rc::default();
            let theirs = kept.clone();
            let task = spawn(async move {
                *theirs.borrow_mut() =
                    Some(Box::pin(on_cancel(pending(), async || pending().await)));
                poll_fn(|cx| match &mut *theirs.borrow_mut() {
                    Some(fut) => fut.as_mut().poll(cx),
                    None => Poll::Pending,
                })
                .await;
            });
            yield_now().await;
            let began = Instant::now();
            task.cancel();
            sleep(ms(3)).await;
            assert!(!task.is_finished());
            drop(kept.take());
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(began.elapsed(), ms(3));
        });
    });
}

#[test]
fn panics_of_clean_ups_and_destructors_go_to_the_handler_and_the_owner_ends_as_cancelled() {
    bounded(|| {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let theirs = seen.clone();
        let builder = Runner::builder().exception_handler(move |context| {
            let place = context.spawned_at.is_some_and(|place| place.file() == file!());
            theirs.lock().unwrap().push((context.message.clone(), context.task.clone(), place));
        });
        builder
            .build()
            .unwrap()
            .run(async {
                let log = Log::default();
                let theirs = log.clone();
                let task = ringio::task::Builder::new().name("worker").spawn(async move {
                    let inner = async {
                        let _panics = OnDrop(|| panic!("the destructor"));
                        pending::<()>().await
                    };
                    let middle = on_cancel(inner, async || panic!("the clean-up"));
                    on_cancel(middle, async || theirs.add("outer")).await;
                });
                yield_now().await;
                task.cancel();
                assert!(task.await.unwrap_err().is_cancelled());
                assert_eq!(log.take(), ["outer"]);
                let panics = on_cancel(pending::<()>(), async || panic!("in a timeout"));
                assert!(timeout(ms(1), panics).await.is_err());
            })
            .unwrap();
        let seen = seen.lock().unwrap();
        let words: Vec<_> = seen.iter().map(|(message, ..)| message.as_str()).collect();
        let worker = Some("worker".to_owned());
        assert_eq!(words.len(), 3, "{seen:?}");
        assert!(words[0].ends_with("the destructor") && seen[0].1 == worker && seen[0].2);
        assert!(words[1].ends_with("the clean-up") && seen[1].1 == worker && seen[1].2);
        assert!(words[2].ends_with("in a timeout") && seen[2].1.is_none() && seen[2].2);
    });
}

#[test]
fn destructors_that_spawn_cancel_and_wake_while_a_request_is_delivered() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
            let bystander = Rc::new(spawn(pending::<()>()));
            let (theirs, inside, other) = (log.clone(), own.clone(), bystander.clone());
            let task = spawn(async move {
                let waker: Waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                let spawned = theirs.clone();
                let busy = OnDrop(move || {
                    waker.wake_by_ref();
                    inside.borrow().as_ref().unwrap().cancel();
                    other.cancel();
                    let spawned = spawned.clone();
                    spawn(async move { spawned.add("spawned") });
                });
                let fut = async move {
                    let _busy = busy;
                    pending::<()>().await
                };
                on_cancel(fut, async || {
                    sleep(ms(1)).await;
                    theirs.add("clean-up");
                })
                .await;
            });
            *own.borrow_mut() = Some(task);
            yield_now().await;
            own.borrow().as_ref().unwrap().cancel();
            let ended = poll_fn(|cx| own.borrow_mut().as_mut().unwrap().poll_unpin(cx)).await;
            assert!(ended.unwrap_err().is_cancelled() && bystander.is_finished());
            assert_eq!(log.take(), ["spawned", "clean-up"]);
        });
    });
}

#[test]
fn destructors_do_io_while_a_request_is_delivered() {
    bounded(|| {
        ringio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut near = TcpStream::connect(address).await.unwrap();
            let (far, _) = listener.accept().await.unwrap();
            let mut far = Some(far);
            let says_bye = OnDrop(move || {
                let mut far = far.take().expect("it is dropped once");
                // Admitted with its first poll, so it is sent though nobody awaits it.
                assert!(far.write_all("bye").now_or_never().is_none());
                drop(spawn(async move { far.close().await.unwrap() }));
            });
            let fut = async move {
                let _says_bye = says_bye;
                pending::<()>().await
            };
            let task = spawn(on_cancel(fut, async || yield_now().await));
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            let (result, bye) = near.read_exact(Vec::with_capacity(3)).await;
            result.unwrap();
            assert_eq!(bye, b"bye");
            assert!(near.recv().await.unwrap().is_empty(), "and then the end");
        });
    });
}

#[test]
fn clean_ups_do_io() {
    bounded(|| {
        ringio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut near = TcpStream::connect(address).await.unwrap();
            let (far, _) = listener.accept().await.unwrap();
            let task = spawn(async move {
                let (mut read, mut write) = far.into_split();
                let say_bye = async || write.write_all("bye").await.0.unwrap();
                drop(on_cancel(read.recv(), say_bye).await);
            });
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            let (result, bye) = near.read_exact(Vec::with_capacity(3)).await;
            result.unwrap();
            assert_eq!(bye, b"bye");
        });
    });
}

#[test]
fn a_forgotten_one_costs_the_grace_and_nothing_else() {
    bounded(|| {
        let builder = Runner::builder().clock(ringio::testing::ManualClock::new()).grace(ms(50));
        builder
            .build()
            .unwrap()
            .run(async {
                let task = spawn(async {
                    let mut lost = Box::pin(on_cancel(pending::<()>(), async || unreachable!()));
                    assert!((&mut lost).now_or_never().is_none());
                    forget(lost);
                    let mut lost = Box::pin(cancel_scope(async |_| {
                        on_cancel(pending::<()>(), async || unreachable!()).await;
                    }));
                    assert!((&mut lost).now_or_never().is_none());
                    forget(lost);
                    let mut lost = Box::pin(timeout(ms(3), pending::<()>()));
                    assert!((&mut lost).now_or_never().is_none());
                    forget(lost);
                    pending::<()>().await;
                });
                yield_now().await;
                let began = Instant::now();
                task.cancel();
                assert!(task.await.unwrap_err().is_cancelled());
                assert_eq!(began.elapsed(), ms(50));
            })
            .unwrap();
    });
}

#[test]
fn one_that_moves_to_another_owner_belongs_to_that() {
    bounded(|| {
        run(async {
            let log = Log::default();
            let mut moving = Box::pin(on_cancel(pending::<()>(), async || log.add("clean-up")));
            // It was polled within one scope, which has lost.
            let first = Box::pin(cancel_scope(async |_| (&mut moving).await));
            futures_util::future::select(first, Box::pin(yield_now())).await;
            let kept = RefCell::new(None);
            let second = cancel_scope(async |scope| {
                kept.replace(Some(scope.clone()));
                (&mut moving).await
            });
            let cancel = async {
                sleep(ms(1)).await;
                assert_eq!(log.take(), [""; 0]);
                kept.borrow().as_ref().unwrap().cancel();
            };
            let (ended, ()) = futures_util::future::join(second, cancel).await;
            assert_eq!((ended, log.take()), (Err(Cancelled), vec!["clean-up"]));
        });
    });
}

#[test]
fn a_clean_up_that_waits_for_another_thread_is_woken_from_there() {
    bounded(|| {
        ringio::run(async {
            let (ask, asked) = mpsc::channel::<Waker>();
            let answered = Arc::new(Mutex::new(false));
            let theirs = answered.clone();
            let thread = thread::spawn(move || {
                let waker = asked.recv_timeout(Duration::from_secs(60)).unwrap();
                *theirs.lock().unwrap() = true;
                waker.wake();
            });
            let task = spawn(async move {
                on_cancel(pending::<()>(), async || {
                    let mut ask = Some(ask);
                    poll_fn(|cx| {
                        if *answered.lock().unwrap() {
                            return Poll::Ready(());
                        }
                        if let Some(ask) = ask.take() {
                            ask.send(cx.waker().clone()).unwrap();
                        }
                        Poll::Pending
                    })
                    .await;
                })
                .await;
            });
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            thread.join().unwrap();
        });
    });
}

#[test]
fn a_body_that_panics_while_it_cleans_up_has_panicked() {
    bounded(|| {
        run(async {
            let cleaned = Rc::new(Cell::new(false));
            let theirs = cleaned.clone();
            let task = spawn(async move {
                let slow = on_cancel(pending::<()>(), async || {
                    sleep(ms(20)).await;
                    theirs.set(true);
                });
                let panics = async {
                    sleep(ms(10)).await;
                    panic!("a branch");
                };
                futures_util::future::join(slow, panics).await;
            });
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_panic());
            assert!(!cleaned.get());
        });
    });
}

#[test]
fn a_scope_that_a_forgotten_one_kept_is_polled_while_its_task_ends() {
    bounded(|| {
        run(async {
            let task = spawn(async {
                let scope = cancel_scope(async |scope| {
                    let mut forgotten = Box::pin(on_cancel(pending::<()>(), async || {}));
                    assert!(forgotten.as_mut().now_or_never().is_none());
                    forget(forgotten);
                    scope.cancel();
                    pending::<()>().await;
                });
                // Longer than the grace of the scope, and woken often.
                let cleaning = on_cancel(pending::<()>(), async || {
                    for _ in 0..100 {
                        sleep(ms(100)).await;
                    }
                });
                ringio::join!(scope, cleaning)
            });
            // The time of the scope is up a while before that of the task.
            sleep(ms(500)).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
}
