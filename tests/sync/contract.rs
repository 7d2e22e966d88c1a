//! The public names with their bounds and lifetimes. It is enough that this compiles.

#![allow(dead_code, reason = "nothing here is run")]

use std::cell::Ref;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::marker::PhantomPinned;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use ringio::sync::broadcast::{self, BroadcastError};
use ringio::sync::{
    Barrier, BrokenBarrier, Condition, Event, Mutex, MutexGuard, Notify, OnceCell, OverRelease,
    Permit, ReadGuard, RecvError, RwLock, Semaphore, WriteGuard, oneshot, watch,
};

/// What can be neither cloned, nor compared, nor printed, nor moved.
struct Bare(PhantomPinned);

fn default<T: Default>() {}
fn printed<T: Debug>() {}
fn an_error<T: Error + Debug + Display + Copy + PartialEq>() {}
fn unpinned<T: Unpin>() {}
fn changes<T: DerefMut<Target = Bare>>() {}
fn reads<T: Deref<Target = Bare>>() {}

fn traits() {
    default::<(Event, Condition, Notify, OnceCell<Bare>, Mutex<u8>, RwLock<u8>)>();
    printed::<(Mutex<u8>, MutexGuard<'_, u8>, RwLock<u8>, ReadGuard<'_, u8>, WriteGuard<'_, u8>)>();
    printed::<(Event, Condition, Semaphore, Permit<'_>, Barrier, Notify, OnceCell<u8>)>();
    printed::<(oneshot::Sender<Bare>, oneshot::Receiver<Bare>)>();
    printed::<(watch::Sender<u8>, watch::Receiver<u8>)>();
    printed::<(broadcast::Sender<Bare>, broadcast::Receiver<Bare>)>();
    an_error::<OverRelease>();
    an_error::<BrokenBarrier>();
    an_error::<RecvError>();
    an_error::<BroadcastError>();
    unpinned::<oneshot::Receiver<Bare>>();
    changes::<MutexGuard<'_, Bare>>();
    changes::<WriteGuard<'_, Bare>>();
    reads::<ReadGuard<'_, Bare>>();
}

async fn locks(mutex: &Mutex<Bare>, condition: &Condition) {
    static_or_not(mutex.lock());
    let guard: MutexGuard<'_, Bare> = mutex.lock().await;
    let guard: MutexGuard<'_, Bare> = condition.wait(guard).await;
    drop(condition.wait_while(guard, |_: &mut Bare| false).await);
    condition.notify(1_usize);
    condition.notify_all();
    let _: Option<MutexGuard<'_, Bare>> = mutex.try_lock();
    let _: (bool, usize, usize) = (mutex.is_locked(), mutex.waiters(), condition.waiters());
}

fn static_or_not<F: Future>(_: F) {}

async fn read_write(lock: &RwLock<Bare>) {
    let _: Option<ReadGuard<'_, Bare>> = lock.try_read();
    let _: Option<WriteGuard<'_, Bare>> = lock.try_write();
    drop::<ReadGuard<'_, Bare>>(lock.read().await);
    drop::<WriteGuard<'_, Bare>>(lock.write().await);
    let _: (usize, usize) = (lock.waiters(), lock.readers());
}

async fn permits(semaphore: &Semaphore) -> Permit<'_> {
    let _: (Semaphore, Semaphore) = (Semaphore::new(1), Semaphore::bounded(1));
    let _: Option<Permit<'_>> = semaphore.try_acquire();
    semaphore.acquire_many(2).await.forget();
    let _: Result<(), OverRelease> = semaphore.release(2);
    let _: (usize, bool) = (semaphore.available(), semaphore.is_locked());
    semaphore.acquire().await
}

async fn signals(event: &Event, notify: &Notify, barrier: &Barrier) {
    let () = event.wait().await;
    let () = notify.notified().await;
    notify.notify_one();
    notify.notify_all();
    event.set();
    event.clear();
    let _: Result<usize, BrokenBarrier> = barrier.wait().await;
    barrier.reset();
    barrier.abort();
    let _: (usize, usize, bool) = (barrier.parties(), barrier.waiters(), barrier.is_broken());
    let _: (bool, usize, usize) = (event.is_set(), event.waiters(), notify.waiters());
}

async fn cell(cell: &OnceCell<Bare>) -> &Bare {
    let _: Option<&Bare> = cell.get();
    let _: Result<(), Bare> = cell.set(Bare(PhantomPinned));
    cell.get_or_init(async || Bare(PhantomPinned)).await
}

async fn values(bare: Bare) -> Result<Bare, RecvError> {
    let (sender, receiver) = oneshot::channel::<Bare>();
    let _: bool = sender.is_closed();
    let () = sender.closed().await;
    let _: Result<(), Bare> = sender.send(bare);
    let (set, mut seen) = watch::channel(Bare(PhantomPinned));
    let _: Result<(), Bare> = set.send(Bare(PhantomPinned));
    let _: Result<(), RecvError> = seen.clone().changed().await;
    let _: Ref<'_, Bare> = seen.borrow_and_update();
    let (tell, mut told) = broadcast::channel::<Rc<u8>>(1);
    let _: Result<usize, Rc<u8>> = tell.clone().send(Rc::new(1));
    let _: broadcast::Receiver<Rc<u8>> = tell.subscribe();
    let _: Result<Rc<u8>, BroadcastError> = told.recv().await;
    receiver.await
}
