//! Locks and permits, on each crate that has them: what is free is taken and given back, one permit goes
//! through a line of waiters, and a line of waiters leaves.
//!
//! What is free is taken by a task of the runtime, on ringio's loop where a crate has none. Lines are made
//! and polled by hand, outside of any runtime.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_executor::block_on;

use crate::row::Contestant;
use crate::sample::Sample;

use super::Work;
use super::meter::Meter;
use super::runtime::{OnRingio, OnTokio, Runtime};

const BATCH: u32 = 1_000;
const FEW: usize = 1_000;
const MANY: usize = 100_000;

trait Semaphores {
    type Semaphore;
    type Permit<'a>;

    fn new(permits: usize) -> Self::Semaphore;
    fn acquire(semaphore: &Self::Semaphore) -> impl Future<Output = Self::Permit<'_>>;
}

trait Mutexes {
    type Mutex;
    type Guard<'a>: DerefMut<Target = u32>;

    fn unlocked() -> Self::Mutex;
    fn lock(mutex: &Self::Mutex) -> impl Future<Output = Self::Guard<'_>>;
}

pub(super) fn measure(work: Work, on: Contestant, meter: Meter) -> io::Result<Sample> {
    match (work, on) {
        (Work::Lock, Contestant::Ringio) => OnRingio::<true>::run(lock::<Ringio>(meter)),
        (Work::Lock, Contestant::Tokio) => OnTokio::run(lock::<Tokio>(meter)),
        (Work::Lock, Contestant::AsyncLock) => OnRingio::<true>::run(lock::<AsyncLock>(meter)),
        (_, Contestant::Ringio) => semaphore::<Ringio, OnRingio<true>>(work, meter),
        (_, Contestant::Tokio) => semaphore::<Tokio, OnTokio>(work, meter),
        (_, Contestant::AsyncLock) => semaphore::<AsyncLock, OnRingio<true>>(work, meter),
        (_, Contestant::LocalSync) => semaphore::<LocalSync, OnRingio<true>>(work, meter),
        _ => Err(io::Error::other("it has no locks")),
    }
}

fn semaphore<S: Semaphores, R: Runtime>(work: Work, meter: Meter) -> io::Result<Sample> {
    match work {
        Work::Permit => R::run(permit::<S>(meter)),
        Work::HandOffFew => Ok(block_on(hand_off::<S>(meter, FEW))),
        Work::HandOffMany => Ok(block_on(hand_off::<S>(meter, MANY))),
        Work::LeaveFew => Ok(block_on(leave::<S>(meter, FEW))),
        _ => Ok(block_on(leave::<S>(meter, MANY))),
    }
}

async fn lock<M: Mutexes>(meter: Meter) -> Sample {
    let mutex = M::unlocked();
    meter
        .of(BATCH, async || {
            for _ in 0..BATCH {
                *M::lock(&mutex).await += 1;
            }
        })
        .await
}

async fn permit<S: Semaphores>(meter: Meter) -> Sample {
    let semaphore = S::new(1);
    meter
        .of(BATCH, async || {
            for _ in 0..BATCH {
                drop(S::acquire(&semaphore).await);
            }
        })
        .await
}

/// For each waiter: its future is made and boxed, polled twice, and hands the permit on.
async fn hand_off<S: Semaphores>(meter: Meter, waiters: usize) -> Sample {
    let semaphore = S::new(1);
    let mut line = VecDeque::with_capacity(waiters);
    meter
        .of(u32::try_from(waiters).expect("so many have memory"), async || {
            let permit = S::acquire(&semaphore).await;
            line_up::<S, _>(&mut line, waiters, || S::acquire(&semaphore));
            drop(permit);
            for mut wait in line.drain(..) {
                assert!(poll(&mut wait).is_ready());
            }
        })
        .await
}

/// For each waiter: its future is made and boxed, polled once, and dropped, from both ends of the line.
async fn leave<S: Semaphores>(meter: Meter, waiters: usize) -> Sample {
    let semaphore = S::new(0);
    let mut line = VecDeque::with_capacity(waiters);
    meter
        .of(u32::try_from(waiters).expect("so many have memory"), async || {
            line_up::<S, _>(&mut line, waiters, || S::acquire(&semaphore));
            while line.pop_front().and(line.pop_back()).is_some() {}
        })
        .await
}

fn line_up<S: Semaphores, F: Future>(
    line: &mut VecDeque<Pin<Box<F>>>,
    waiters: usize,
    wait: impl Fn() -> F,
) {
    line.extend((0..waiters).map(|_| Box::pin(wait())));
    line.iter_mut().for_each(|wait| assert!(poll(wait).is_pending()));
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

struct Ringio;

impl Semaphores for Ringio {
    type Semaphore = ringio::sync::Semaphore;
    type Permit<'a> = ringio::sync::Permit<'a>;

    fn new(permits: usize) -> Self::Semaphore {
        ringio::sync::Semaphore::new(permits)
    }

    fn acquire(semaphore: &Self::Semaphore) -> impl Future<Output = Self::Permit<'_>> {
        semaphore.acquire()
    }
}

impl Mutexes for Ringio {
    type Mutex = ringio::sync::Mutex<u32>;
    type Guard<'a> = ringio::sync::MutexGuard<'a, u32>;

    fn unlocked() -> Self::Mutex {
        ringio::sync::Mutex::new(0)
    }

    fn lock(mutex: &Self::Mutex) -> impl Future<Output = Self::Guard<'_>> {
        mutex.lock()
    }
}

struct Tokio;

impl Semaphores for Tokio {
    type Semaphore = tokio::sync::Semaphore;
    type Permit<'a> = Result<tokio::sync::SemaphorePermit<'a>, tokio::sync::AcquireError>;

    fn new(permits: usize) -> Self::Semaphore {
        tokio::sync::Semaphore::new(permits)
    }

    fn acquire(semaphore: &Self::Semaphore) -> impl Future<Output = Self::Permit<'_>> {
        semaphore.acquire()
    }
}

impl Mutexes for Tokio {
    type Mutex = tokio::sync::Mutex<u32>;
    type Guard<'a> = tokio::sync::MutexGuard<'a, u32>;

    fn unlocked() -> Self::Mutex {
        tokio::sync::Mutex::new(0)
    }

    fn lock(mutex: &Self::Mutex) -> impl Future<Output = Self::Guard<'_>> {
        mutex.lock()
    }
}

struct AsyncLock;

impl Semaphores for AsyncLock {
    type Semaphore = async_lock::Semaphore;
    type Permit<'a> = async_lock::SemaphoreGuard<'a>;

    fn new(permits: usize) -> Self::Semaphore {
        async_lock::Semaphore::new(permits)
    }

    fn acquire(semaphore: &Self::Semaphore) -> impl Future<Output = Self::Permit<'_>> {
        semaphore.acquire()
    }
}

impl Mutexes for AsyncLock {
    type Mutex = async_lock::Mutex<u32>;
    type Guard<'a> = async_lock::MutexGuard<'a, u32>;

    fn unlocked() -> Self::Mutex {
        async_lock::Mutex::new(0)
    }

    fn lock(mutex: &Self::Mutex) -> impl Future<Output = Self::Guard<'_>> {
        mutex.lock()
    }
}

/// It has no mutex.
struct LocalSync;

impl Semaphores for LocalSync {
    type Semaphore = local_sync::semaphore::Semaphore;
    type Permit<'a> =
        Result<local_sync::semaphore::SemaphorePermit<'a>, local_sync::semaphore::AcquireError>;

    fn new(permits: usize) -> Self::Semaphore {
        local_sync::semaphore::Semaphore::new(permits)
    }

    fn acquire(semaphore: &Self::Semaphore) -> impl Future<Output = Self::Permit<'_>> {
        semaphore.acquire()
    }
}
