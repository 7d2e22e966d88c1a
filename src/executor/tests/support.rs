//! What the tests of the executor share.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::executor::current::{self, within};
use crate::executor::{Executor, JoinHandle, Meta};

/// Counts how often it is woken, and unparks the thread that made it.
pub(super) struct Bell {
    rings: AtomicUsize,
    owner: Thread,
}

impl Bell {
    pub(super) fn new() -> Arc<Bell> {
        Arc::new(Bell { rings: AtomicUsize::new(0), owner: std::thread::current() })
    }

    pub(super) fn rings(&self) -> usize {
        self.rings.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rings.fetch_add(1, Ordering::SeqCst);
        self.owner.unpark();
    }
}

pub(super) fn executor() -> Rc<Executor> {
    Executor::new(Waker::noop().clone())
}

impl Executor {
    /// Spawns from outside the loop.
    pub(super) fn spawn<F: Future + 'static>(&self, meta: Meta, fut: F) -> JoinHandle<F::Output> {
        within(self.view(), || current::spawn(meta, fut))
    }
}

pub(super) fn spawn<F: Future + 'static>(ex: &Executor, fut: F) -> JoinHandle<F::Output> {
    ex.spawn(Meta::here(), fut)
}

/// Turns the loop until nothing is ready.
pub(super) fn settle(ex: &Executor) {
    while ex.has_ready() {
        ex.run_ready(256);
    }
}

/// Polls once, with a waker that does nothing.
pub(super) fn poll_once<F: Future>(fut: F) -> Poll<F::Output> {
    pin!(fut).poll(&mut Context::from_waker(Waker::noop()))
}

/// Turns the loop until the task has finished, parking the thread in between.
pub(super) fn run<T>(ex: &Executor, mut handle: JoinHandle<T>) -> T {
    loop {
        ex.run_ready(256);
        if let Poll::Ready(outcome) = poll_once(&mut handle) {
            return outcome.unwrap();
        }
        if !ex.has_ready() {
            std::thread::park();
        }
    }
}

/// Counts its drops.
#[derive(Clone, Default)]
pub(super) struct Drops(Rc<Cell<usize>>);

impl Drops {
    pub(super) fn count(&self) -> usize {
        self.0.get()
    }

    pub(super) fn token(&self) -> OnDrop<impl FnOnce() + use<>> {
        let count = self.0.clone();
        on_drop(move || count.set(count.get() + 1))
    }
}

/// Runs code when it is dropped.
pub(super) struct OnDrop<F: FnOnce()>(Option<F>);

pub(super) fn on_drop<F: FnOnce()>(code: F) -> OnDrop<F> {
    OnDrop(Some(code))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(code) = self.0.take() {
            code();
        }
    }
}

/// Gives the waker of the task that awaits it.
pub(super) async fn my_waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// Waits for a first wake.
pub(super) async fn pend_once() {
    let mut polled = false;
    poll_fn(|_| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        Poll::Pending
    })
    .await
}

impl Executor {
    /// One round of [`run_rounds`](Executor::run_rounds).
    pub(super) fn run_ready(&self, max: usize) -> usize {
        self.run_rounds(max, |_| false)
    }
}
