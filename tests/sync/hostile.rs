//! Wakers, values and clones that call back, at the worst moment.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use ringio::sync::{Condition, Event, Mutex, Notify, RwLock, Semaphore};
use ringio::sync::{broadcast, oneshot, watch};

use super::by_hand::{Tasks, now, poll};

type Job = Box<dyn FnOnce()>;

thread_local! {
    static JOBS: RefCell<Vec<Option<Job>>> = const { RefCell::new(Vec::new()) };
}

/// A waker that does something, once, when it is woken.
fn on_wake(job: impl FnOnce() + 'static) -> Waker {
    struct Hook(usize);
    impl Wake for Hook {
        fn wake(self: Arc<Self>) {
            let job = JOBS.with_borrow_mut(|jobs| jobs[self.0].take());
            job.into_iter().for_each(|job| job());
        }
    }
    let number = JOBS.with_borrow_mut(|jobs| {
        jobs.push(Some(Box::new(job)));
        jobs.len() - 1
    });
    Waker::from(Arc::new(Hook(number)))
}

/// A waker that does something when the last of its clones is dropped.
fn on_drop(job: impl FnOnce() + 'static) -> Waker {
    struct Hook(usize);
    impl Wake for Hook {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Hook {
        fn drop(&mut self) {
            let job = JOBS.with_borrow_mut(|jobs| jobs[self.0].take());
            job.into_iter().for_each(|job| job());
        }
    }
    let number = JOBS.with_borrow_mut(|jobs| {
        jobs.push(Some(Box::new(job)));
        jobs.len() - 1
    });
    Waker::from(Arc::new(Hook(number)))
}

type Boxed<T = ()> = Pin<Box<dyn Future<Output = T>>>;

fn begin<T>(future: &mut Boxed<T>, waker: &Waker) {
    assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
}

/// Where wakers find the futures that they drop.
type Shelf = Rc<RefCell<Vec<Boxed>>>;

/// For each kind of waiting: the first waiter's waker drops all waiters, its own future among them,
/// and with them the last handle but the one that is being used.
#[test]
fn a_waker_may_drop_every_waiter_and_all_other_handles() {
    type Start = fn() -> (Box<dyn Fn() -> Boxed>, Job);
    let kinds: [Start; 7] = [
        || {
            let event = Rc::new(Event::new());
            let waits = event.clone();
            let wait = move || -> Boxed {
                let event = waits.clone();
                Box::pin(async move { event.wait().await })
            };
            (Box::new(wait), Box::new(move || event.set()))
        },
        || {
            let notify = Rc::new(Notify::new());
            let waits = notify.clone();
            let wait = move || -> Boxed {
                let notify = waits.clone();
                Box::pin(async move { notify.notified().await })
            };
            (Box::new(wait), Box::new(move || notify.notify_all()))
        },
        || {
            let semaphore = Rc::new(Semaphore::new(0));
            let waits = semaphore.clone();
            let wait = move || -> Boxed {
                let semaphore = waits.clone();
                Box::pin(async move { semaphore.acquire().await.forget() })
            };
            let go = move || {
                semaphore.release(2).unwrap();
                assert_eq!((semaphore.available(), semaphore.waiters()), (2, 0));
            };
            (Box::new(wait), Box::new(go))
        },
        || {
            let both = Rc::new((Mutex::new(()), Condition::new()));
            let waits = both.clone();
            let wait = move || -> Boxed {
                let both = waits.clone();
                Box::pin(async move { drop(both.1.wait(both.0.lock().await).await) })
            };
            let go = move || {
                both.1.notify(2);
                assert!(!both.0.is_locked());
            };
            (Box::new(wait), Box::new(go))
        },
        || {
            let (sender, receiver) = watch::channel(0);
            let wait = move || -> Boxed {
                let mut receiver = receiver.clone();
                Box::pin(async move { receiver.changed().await.unwrap() })
            };
            (Box::new(wait), Box::new(move || drop(sender)))
        },
        || {
            let (sender, _) = broadcast::channel(2);
            let waits = sender.clone();
            let wait = move || -> Boxed {
                let mut receiver = waits.subscribe();
                Box::pin(async move { assert!(receiver.recv().await.is_err()) })
            };
            (Box::new(wait), Box::new(move || assert_eq!(sender.send(1), Ok(3))))
        },
        || {
            let lock: &'static RwLock<()> = Box::leak(Box::default());
            let guard = lock.try_read();
            let wait = || -> Boxed { Box::pin(async { drop(lock.write().await) }) };
            let go = move || {
                drop(guard);
                assert!(lock.try_write().is_some());
            };
            (Box::new(wait), Box::new(go))
        },
    ];
    for kind in kinds {
        let (wait, go) = kind();
        let shelf = Shelf::default();
        let first = {
            let shelf = shelf.clone();
            on_wake(move || drop(shelf.take()))
        };
        for nth in 0..3 {
            let mut future = wait();
            begin(&mut future, if nth == 0 { &first } else { Waker::noop() });
            shelf.borrow_mut().push(future);
        }
        drop(wait);
        go();
        shelf.borrow_mut().clear();
    }
}

/// The unlock's waker drops the future whose turn it is: the lock goes to the next, whose waker is woken
/// in turn, and so on.
#[test]
fn a_waker_may_drop_the_one_whose_turn_it_is() {
    let mutex: &'static Mutex<()> = Box::leak(Box::new(Mutex::new(())));
    let guard = now(mutex.lock());
    let shelf = Rc::new(RefCell::new(Vec::<Option<Boxed>>::new()));
    for nth in 0..10 {
        let hook = {
            let shelf = shelf.clone();
            on_wake(move || {
                let future = shelf.borrow_mut()[nth].take();
                drop(future);
            })
        };
        let mut future: Boxed = Box::pin(async { drop(mutex.lock().await) });
        begin(&mut future, &hook);
        shelf.borrow_mut().push(Some(future));
    }
    drop(guard);
    assert!(shelf.borrow().iter().all(Option::is_none));
    assert!(!mutex.is_locked());
}

/// Who comes from within the wake of `set`, after `clear`, waits for the next one.
#[test]
fn set_is_for_those_who_wait_when_it_is_called() {
    let event: &'static Event = Box::leak(Box::default());
    let late = Rc::new(RefCell::new(Tasks::new()));
    let hook = {
        let late = late.clone();
        on_wake(move || {
            event.clear();
            late.borrow_mut().waits(event.wait());
        })
    };
    let mut first: Boxed = Box::pin(event.wait());
    begin(&mut first, &hook);
    let mut tasks = Tasks::new();
    tasks.waits(event.wait());
    event.set();
    assert_eq!(tasks.ended(), [0]);
    assert_eq!((late.borrow_mut().ended(), event.waiters()), (vec![], 1));
}

/// The waker of the first drops the second, which was chosen in the same breath: the third is next.
#[test]
fn a_notification_of_one_that_a_waker_drops_goes_to_the_next() {
    let both: &'static (Mutex<()>, Condition) = Box::leak(Box::default());
    let wait = || -> Boxed { Box::pin(async { drop(both.1.wait(both.0.lock().await).await) }) };
    let shelf = Shelf::default();
    let hook = {
        let shelf = shelf.clone();
        on_wake(move || drop(shelf.take()))
    };
    let mut first = wait();
    begin(&mut first, &hook);
    let mut second = wait();
    begin(&mut second, Waker::noop());
    shelf.borrow_mut().push(second);
    let mut tasks = Tasks::new();
    tasks.waits(wait());
    both.1.notify(2);
    assert_eq!(tasks.ended(), [0]);
    assert!(poll(first.as_mut()).is_ready());
}

/// Dropped when it is replaced, when it was woken, and with its future.
#[test]
fn a_waker_may_use_the_lock_while_it_is_dropped() {
    let mutex: &'static Mutex<i32> = Box::leak(Box::default());
    let locked = Rc::new(RefCell::new(Vec::new()));
    let look = || {
        let locked = locked.clone();
        on_drop(move || locked.borrow_mut().push(mutex.try_lock().is_none()))
    };
    let wait = || -> Boxed { Box::pin(async { drop(mutex.lock().await) }) };
    let guard = now(mutex.lock());
    let (mut first, mut second, mut third) = (wait(), wait(), wait());
    begin(&mut first, &look());
    begin(&mut second, &look());
    begin(&mut third, &look());
    assert_eq!(locked.take(), []);
    begin(&mut first, Waker::noop());
    assert_eq!(locked.take(), [true]);
    drop(third);
    assert_eq!(locked.take(), [true]);
    drop(guard);
    drop(first);
    assert_eq!(locked.take(), [true]);
    drop(second);
    assert!(!mutex.is_locked());
}

/// Sends another when it is dropped, through whatever it came from.
struct Echo(Rc<Cell<u32>>, Option<Box<dyn Fn(u32)>>);

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        if let Some(send) = self.1.take() {
            send(self.0.get());
        }
    }
}

#[test]
fn a_value_that_is_replaced_may_set_another() {
    let dropped = Rc::new(Cell::new(0));
    let plain = Echo(dropped.clone(), None);
    let (sender, receiver) = watch::channel(plain);
    let sender = Rc::new(sender);
    let again = (sender.clone(), dropped.clone());
    let send = move |_| drop(again.0.send(Echo(again.1.clone(), None)));
    assert!(sender.send(Echo(dropped.clone(), Some(Box::new(send)))).is_ok());
    assert_eq!(dropped.get(), 1);
    assert!(sender.send(Echo(dropped.clone(), None)).is_ok());
    // The first, the one that sends, and the one that it replaced by what it sent.
    assert_eq!(dropped.get(), 3);
    drop(receiver);
}

#[derive(Clone)]
struct Shared(#[expect(dead_code, reason = "it is there to be dropped")] Rc<Echo>);

#[test]
fn a_value_that_is_overwritten_may_send_another() {
    let dropped = Rc::new(Cell::new(0));
    let (sender, mut receiver) = broadcast::channel(1);
    let again = (sender.clone(), dropped.clone());
    let send = move |_| drop(again.0.send(Shared(Rc::new(Echo(again.1.clone(), None)))));
    let echo = Echo(dropped.clone(), Some(Box::new(send)));
    assert_eq!(sender.send(Shared(Rc::new(echo))).ok(), Some(1));
    let plain = Echo(dropped.clone(), None);
    assert_eq!(sender.send(Shared(Rc::new(plain))).ok(), Some(1));
    assert_eq!(dropped.get(), 2);
    let lagged = now(receiver.recv()).err();
    assert_eq!(lagged, Some(broadcast::BroadcastError::Lagged(2)));
    assert!(now(receiver.recv()).is_ok());
    // Unread, and the last receiver goes.
    let again = sender.clone();
    let send = move |_| assert_eq!(again.receivers(), 0);
    let echo = Echo(dropped.clone(), Some(Box::new(send)));
    assert_eq!(sender.send(Shared(Rc::new(echo))).ok(), Some(1));
    drop(receiver);
    assert_eq!(dropped.get(), 4);
}

/// Sends, subscribes and receives while it is cloned.
struct Busy(broadcast::Sender<Busy>, u32);

impl Clone for Busy {
    fn clone(&self) -> Self {
        if self.1 == 0 {
            let mut other = self.0.subscribe();
            assert_eq!(self.0.send(Busy(self.0.clone(), 1)).ok(), Some(3));
            assert_eq!(other.try_recv().unwrap().unwrap().1, 1);
        }
        Busy(self.0.clone(), self.1)
    }
}

#[test]
fn a_value_may_use_its_channel_while_it_is_cloned() {
    let (sender, mut first) = broadcast::channel(1);
    let mut second = sender.subscribe();
    sender.send(Busy(sender.clone(), 0)).ok().unwrap();
    // It pushes itself out while it is cloned.
    assert_eq!(now(first.recv()).map(|value| value.1), Ok(0));
    assert_eq!(now(first.recv()).map(|value| value.1), Ok(1));
    let lagged = now(second.recv()).map(|value| value.1);
    assert_eq!(lagged, Err(broadcast::BroadcastError::Lagged(1)));
    assert_eq!(now(second.recv()).map(|value| value.1), Ok(1));
}

#[test]
fn a_receiver_that_is_dropped_by_the_sender_s_wake_ends_there() {
    let (sender, receiver) = oneshot::channel();
    let shelf = Rc::new(RefCell::new(None));
    let hook = {
        let shelf = shelf.clone();
        on_wake(move || drop(shelf.take()))
    };
    let mut future: Boxed<Result<Rc<()>, _>> = Box::pin(receiver);
    begin(&mut future, &hook);
    *shelf.borrow_mut() = Some(future);
    let value = Rc::new(());
    assert!(sender.send(value.clone()).is_ok());
    assert_eq!(Rc::strong_count(&value), 1);
}

/// Two waits of one task: it is woken, and both are there.
#[test]
fn one_task_may_wait_twice() {
    let semaphore = Semaphore::new(0);
    let mut tasks = Tasks::new();
    tasks.waits(async {
        let both = futures_util::future::join(semaphore.acquire(), semaphore.acquire_many(2));
        let (one, two) = both.await;
        (one.count(), two.count())
    });
    semaphore.release(3).unwrap();
    assert_eq!(tasks.woken(), [0, 0]);
    assert_eq!(tasks.poll(0), Poll::Ready((1, 2)));
}

/// Begun by one task and taken over by another, which is the one that is woken.
#[test]
fn a_wait_may_go_from_task_to_task() {
    let mutex: &'static Mutex<()> = Box::leak(Box::default());
    let guard = now(mutex.lock());
    let mut wait: Boxed = Box::pin(async { drop(mutex.lock().await) });
    begin(&mut wait, &on_wake(|| panic!("it is not this task's any more")));
    let mut tasks = Tasks::new();
    let number = tasks.waits(wait);
    drop(guard);
    assert_eq!(tasks.ended(), [number]);
}

#[test]
fn a_waker_that_panics_takes_no_other_with_it() {
    let event: &'static Event = Box::leak(Box::default());
    let mut first: Boxed = Box::pin(event.wait());
    begin(&mut first, &on_wake(|| panic!("on purpose")));
    let mut tasks = Tasks::new();
    tasks.waits(event.wait());
    event.set();
    assert_eq!(tasks.ended(), [0]);
}

/// Locks, permits and sends from destructors, while a panic unwinds and after its task is gone.
#[test]
fn all_of_it_can_be_used_in_destructors() {
    struct AtTheEnd(Rc<(Mutex<u32>, Semaphore, Event, Notify, Condition)>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let (mutex, semaphore, event, notify, condition) = &*self.0;
            *mutex.try_lock().unwrap() += 1;
            drop(semaphore.try_acquire());
            semaphore.release(1).unwrap();
            event.set();
            notify.notify_one();
            condition.notify_all();
        }
    }
    let parts = (Mutex::new(0), Semaphore::new(1), Event::new(), Notify::new(), Condition::new());
    let all = Rc::new(parts);
    let mut tasks = Tasks::new();
    {
        let all = all.clone();
        let notified = async move { all.3.notified().await };
        tasks.waits(notified);
    }
    let last = AtTheEnd(all.clone());
    let panics = std::panic::AssertUnwindSafe(|| {
        let _last = last;
        panic!("on purpose");
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(tasks.ended(), [0]);
    drop(AtTheEnd(all.clone()));
    assert_eq!((*now(all.0.lock()), all.1.available()), (2, 3));
}
