//! Clean-ups at the end of a runner.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::testing::ManualClock;
use ringio::time::{Instant, sleep};
use ringio::{Runner, cancel_scope, on_cancel, spawn, timeout, yield_now};

use crate::watchdog::bounded;
use crate::{reporting, runner};

#[test]
fn clean_ups_run_while_the_runner_closes() {
    bounded(|| {
        let mut runner = Runner::builder().clock(ManualClock::new()).build().unwrap();
        let cleaned = Rc::new(Cell::new(0));
        let theirs = cleaned.clone();
        runner
            .run(async move {
                for n in 0..10 {
                    let cleaned = theirs.clone();
                    spawn(on_cancel(pending::<()>(), async move || {
                        // Its clock jumps here too.
                        sleep(Duration::from_millis(900 * n)).await;
                        assert!(spawn(pending::<()>()).await.unwrap_err().is_cancelled());
                        cleaned.set(cleaned.get() + 1);
                    }));
                }
                yield_now().await;
            })
            .unwrap();
        assert_eq!(cleaned.get(), 0);
        runner.close();
        assert_eq!(cleaned.get(), 10);
    });
}

#[test]
fn clean_ups_that_do_not_end_are_dropped_after_the_grace() {
    bounded(|| {
        struct OnDrop(Rc<Cell<bool>>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let mut runner = Runner::builder().grace(Duration::from_millis(20)).build().unwrap();
        let dropped = Rc::new(Cell::new(false));
        let guard = OnDrop(dropped.clone());
        runner
            .run(async move {
                spawn(on_cancel(pending::<()>(), async move || {
                    let _guard = guard;
                    pending().await
                }));
                yield_now().await;
            })
            .unwrap();
        let began = Instant::now();
        runner.close();
        assert!(dropped.get());
        assert!(began.elapsed() >= Duration::from_millis(20));
    });
}

#[test]
fn a_clean_up_hears_of_another_thread_while_the_runner_closes() {
    bounded(|| {
        let mut runner = runner();
        let (cleaned, state) = (Rc::new(Cell::new(false)), Arc::new(Mutex::new((None, false))));
        let theirs = cleaned.clone();
        runner
            .run(async move {
                spawn(on_cancel(pending::<()>(), async move || {
                    let answer = state.clone();
                    let thread = thread::spawn(move || {
                        let mut state = answer.lock().unwrap();
                        state.1 = true;
                        Option::<std::task::Waker>::take(&mut state.0).map(|waker| waker.wake())
                    });
                    std::future::poll_fn(|cx| {
                        let mut state = state.lock().unwrap();
                        state.0 = Some(cx.waker().clone());
                        if state.1 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                    })
                    .await;
                    thread.join().unwrap();
                    theirs.set(true);
                }));
                yield_now().await;
            })
            .unwrap();
        runner.close();
        assert!(cleaned.get());
    });
}

#[test]
fn panics_that_nobody_saw_are_told_once_when_the_runner_closes() {
    bounded(|| {
        let (mut runner, reports) = reporting();
        runner
            .run(async {
                let named = ringio::task::Builder::new().name("janitor");
                drop(named.spawn(on_cancel(pending::<()>(), async || panic!("the clean-up"))));
                struct Panics;
                impl Drop for Panics {
                    fn drop(&mut self) {
                        panic!("the destructor");
                    }
                }
                drop(spawn(async {
                    let _panics = Panics;
                    pending::<()>().await
                }));
                yield_now().await;
            })
            .unwrap();
        drop(runner);
        let mut reports = reports.lock().unwrap();
        reports.sort();
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert!(reports[0].0.contains("the clean-up") && reports[0].2.is_some(), "{reports:?}");
        assert_eq!(reports[0].1.as_deref(), Some("janitor"));
        assert!(reports[1].0.contains("the destructor") && reports[1].2.is_some(), "{reports:?}");
    });
}

/// More than the kernel takes for a peer that does not read.
const LETTER: usize = 16 * 1024 * 1024;

#[test]
fn a_writer_that_is_being_closed_sends_what_it_has() {
    bounded(|| {
        let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = peer.local_addr().unwrap();
        let reader = thread::spawn(move || {
            let (mut stream, _) = peer.accept().unwrap();
            std::io::copy(&mut stream, &mut std::io::sink()).unwrap()
        });
        let mut runner = runner();
        runner
            .run(async {
                let stream = TcpStream::connect(address).await.unwrap();
                let (mut read, mut write) = stream.into_split();
                // It holds the connection until the loop ends.
                spawn(async move { read.recv().await.map(drop) });
                let mut letter = Box::pin(write.write_all(vec![7; LETTER]));
                let admitted = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(letter.as_mut().poll(cx).is_pending())
                });
                assert!(admitted.await);
                drop(letter);
                drop(write);
                yield_now().await;
            })
            .unwrap();
        runner.close();
        assert_eq!(reader.join().unwrap(), LETTER as u64);
    });
}

#[test]
fn a_writer_whose_peer_does_not_read_cannot_hold_the_end() {
    bounded(|| {
        let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = peer.local_addr().unwrap();
        let mut runner = runner();
        runner
            .run(async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                spawn(async move {
                    let mut letter = Box::pin(stream.write_all(vec![7; LETTER]));
                    assert!(futures_util::FutureExt::now_or_never(&mut letter).is_none());
                    drop(letter);
                    stream.close().await
                });
                yield_now().await;
            })
            .unwrap();
        let began = Instant::now();
        runner.close();
        assert!(began.elapsed() >= Duration::from_secs(1), "it had its time");
    });
}

#[test]
fn owners_of_one_loop_are_asked_from_another_runner() {
    // Kept over the end of their loop, handles and scopes do nothing.
    bounded(|| {
        let kept = RefCell::new(None);
        let listener = ringio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let _ = timeout(
                Duration::from_millis(1),
                cancel_scope(async |scope| {
                    kept.replace(Some(scope.clone()));
                    on_cancel(pending::<()>(), async || ()).await
                }),
            )
            .await;
            listener
        });
        let scope = kept.take().unwrap();
        scope.cancel();
        assert!(scope.is_cancelled());
        ringio::run(async { scope.cancel() });
        drop(listener);
    });
}
