//! Groups, children and handles that are forgotten, or outlive their loop.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::mem::forget;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use ringio::testing::ManualClock;
use ringio::time::Instant;
use ringio::{Runner, on_cancel, run, spawn, task, task_group, yield_now};

use crate::support::{Count, OnDrop};

type Wakers = Rc<RefCell<Vec<Waker>>>;

/// Never ready, and looks at what it borrows when it is polled or dropped.
async fn look(lent: &RefCell<Vec<u8>>, wakers: Wakers, token: OnDrop) -> Result<(), ()> {
    struct Look<'a>(&'a RefCell<Vec<u8>>);
    impl Drop for Look<'_> {
        fn drop(&mut self) {
            assert_eq!(*self.0.borrow(), [7; 64]);
        }
    }
    let (look, _token) = (Look(lent), token);
    poll_fn(|cx| {
        assert_eq!(*look.0.borrow(), [7; 64]);
        wakers.borrow_mut().push(cx.waker().clone());
        Poll::<()>::Pending
    })
    .await;
    Ok(())
}

/// Polls once, in the task that awaits this.
async fn begin<F: Future + ?Sized>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[test]
fn a_forgotten_group_is_never_touched_again() {
    let dropped = Count::default();
    let wakers = Wakers::default();
    let mut runner = Runner::builder().build().unwrap();
    runner
        .run(async {
            let lent = RefCell::new(vec![7; 64]);
            let mut group = Box::pin(task_group::<(), (), _>(async |group| {
                for nth in 0..10 {
                    let child = group.spawn(look(&lent, wakers.clone(), dropped.on_drop()));
                    if nth % 2 == 0 {
                        forget(child);
                    }
                }
                pending().await
            }));
            begin(group.as_mut()).await;
            assert_eq!((wakers.borrow().len(), task::all().len()), (10, 11));
            forget(group);
            // What was lent is gone, and written over.
            lent.borrow_mut().fill(0);
            drop(lent);
            for waker in wakers.borrow().iter() {
                waker.wake_by_ref();
            }
            yield_now().await;
        })
        .unwrap();
    runner.run(async { wakers.borrow().iter().for_each(Waker::wake_by_ref) }).unwrap();
    runner.close();
    let wakers = wakers.take();
    assert_eq!((wakers.len(), dropped.get()), (10, 0));
    std::thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().unwrap();
}

#[test]
fn a_forgotten_task_group_does_not_hold_up_the_runner() {
    let mut runner = Runner::builder().build().unwrap();
    runner
        .run(async {
            let mut group = Box::pin(task_group::<(), (), _>(async |group| {
                group.spawn(pending::<Result<(), ()>>());
                pending().await
            }));
            begin(group.as_mut()).await;
            forget(group);
        })
        .unwrap();
    let began = std::time::Instant::now();
    runner.close();
    assert!(began.elapsed().as_secs() < 5, "the grace is 10 s");
}

#[test]
fn wakers_outlive_the_group_on_every_thread() {
    run(async {
        let (lent, wakers) = (RefCell::new(vec![7; 64]), Wakers::default());
        let dropped = Count::default();
        let mut group = Box::pin(task_group::<(), (), _>(async |group| {
            for _ in 0..100 {
                group.spawn(look(&lent, wakers.clone(), dropped.on_drop()));
            }
            pending().await
        }));
        for _ in 0..4 {
            begin(group.as_mut()).await;
            yield_now().await;
        }
        let mut taken = wakers.take();
        assert_eq!(taken.len(), 100);
        let elsewhere = taken.split_off(50);
        // They wake from another thread while the group goes, and afterwards.
        let thread = std::thread::spawn(move || {
            for _ in 0..1000 {
                elsewhere.iter().for_each(Waker::wake_by_ref);
            }
        });
        yield_now().await;
        drop(group);
        assert_eq!(dropped.get(), 100);
        lent.borrow_mut().clear();
        taken.iter().for_each(Waker::wake_by_ref);
        yield_now().await;
        thread.join().unwrap();
    });
}

thread_local! {
    static KEPT: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = RefCell::default();
}

#[test]
fn a_group_may_outlive_its_loop() {
    for end in 0..3 {
        let (dropped, wakers) = (Count::default(), Wakers::default());
        let (count, all) = (dropped.clone(), wakers.clone());
        run(async move {
            let mut group: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move {
                let lent = RefCell::new(vec![7; 64]);
                task_group::<(), (), _>(async |group| {
                    group.spawn(look(&lent, all.clone(), count.on_drop()));
                    group.spawn(look(&lent, all.clone(), count.on_drop()));
                    pending().await
                })
                .await
                .unwrap();
            });
            begin(group.as_mut()).await;
            KEPT.set(Some(group));
        });
        assert_eq!((wakers.borrow().len(), dropped.get()), (2, 0));
        let mut group = KEPT.take().unwrap();
        match end {
            // Dropped outside of a loop.
            0 => drop(group),
            // Polled on another loop, where its wakers do nothing, and dropped there.
            1 => run(async {
                wakers.borrow().iter().for_each(Waker::wake_by_ref);
                begin(group.as_mut()).await;
                drop(group);
            }),
            // Dropped by another loop's task.
            _ => run(async {
                let task = spawn(group);
                yield_now().await;
                task.cancel();
                task.await.unwrap_err();
            }),
        }
        assert_eq!(dropped.get(), 2);
    }
}

#[test]
fn a_child_ends_itself_and_its_group_from_within() {
    run(async {
        let ended = task_group::<(), (), _>(async |group| {
            let (own, cell) = (Rc::new(RefCell::new(None::<ringio::Child<'_, ()>>)), group.clone());
            let handle = own.clone();
            let child = group.spawn(async move {
                let handle = handle.take().unwrap();
                assert!(handle.cancel(), "it is delivered in its next turn");
                drop(handle);
                cell.cancel();
                assert_eq!(cell.len(), 1);
                pending().await
            });
            own.replace(Some(child));
            pending().await
        });
        assert!(ended.await.unwrap_err().is_cancelled());
    });
}

/// A clean-up that began to wait and was forgotten: nobody can tell it from one that waits.
async fn forgets_a_clean_up() {
    let mut lost = Box::pin(on_cancel(pending::<()>(), async || unreachable!("it is lost")));
    begin(lost.as_mut()).await;
    forget(lost);
}

/// How long a task takes to end on a clock that jumps. It gets to where it waits within three turns.
fn time_to_end(main: impl AsyncFnOnce() + 'static) -> Duration {
    let mut runner = Runner::builder().clock(ManualClock::new()).build().unwrap();
    let ended = runner.run(async {
        let task = spawn(async move { main().await });
        for _ in 0..3 {
            yield_now().await;
        }
        let began = Instant::now();
        assert!(task.cancel());
        assert!(task.await.unwrap_err().is_cancelled());
        began.elapsed()
    });
    ended.unwrap()
}

#[test]
fn what_a_child_forgot_delays_nobody_once_it_has_ended() {
    let took = time_to_end(async || {
        task_group::<(), (), _>(async |group| {
            let child = group.spawn(async {
                forgets_a_clean_up().await;
                Ok(())
            });
            yield_now().await;
            assert!(child.is_finished(), "and its handle is kept");
            pending::<()>().await;
            drop(child);
            Ok(())
        })
        .await
        .unwrap();
    });
    assert_eq!(took, Duration::ZERO);
}

#[test]
fn what_a_child_forgot_delays_nobody_once_its_group_was_dropped() {
    let took = time_to_end(async || {
        let escaped = RefCell::new(None);
        let mut group = Box::pin(task_group::<(), (), _>(async |group| {
            escaped.replace(Some(group.clone()));
            group.spawn::<(), _>(async {
                forgets_a_clean_up().await;
                pending().await
            });
            pending().await
        }));
        begin(group.as_mut()).await;
        drop(group);
        assert!(escaped.borrow().is_some(), "a clone keeps what the group had");
        pending().await
    });
    assert_eq!(took, Duration::ZERO);
}
