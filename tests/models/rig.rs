//! What the models share.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Notify;

use crate::executor::current::Guard;
use crate::executor::{Executor, JoinHandle, Meta, spawn};
use crate::ledger::{self, Life};
use crate::parked::Parked;

/// Runs a model in all interleavings with at most `bound` preemptions, in the long mode one more,
/// and says how many there were.
pub(crate) fn explore(name: &str, bound: usize, model: impl Fn() + Sync + Send + 'static) {
    let is_long = std::env::var_os("RINGIO_LONG").is_some_and(|value| value == "1");
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(bound + usize::from(is_long));
    let bound = builder.preemption_bound;
    let count = Arc::new(AtomicU64::new(0));
    let counter = count.clone();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
        ledger::settle();
    });
    let count = count.load(Ordering::Relaxed);
    println!("model {name}: {count} interleavings, at most {} preemptions", bound.unwrap());
}

/// The doorbell of a loop, as `src/driver/unpark.rs` has it, with a notification in the kernel's
/// place.
pub(crate) struct Bell {
    parked: Parked,
    kernel: Notify,
}

/// What the executor has of the doorbell. Loom does not know the standard library's `Arc`, so it
/// sees whether those who ring know that this still lives.
struct Rope {
    bell: Arc<Bell>,
    life: Life,
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.life.read();
        if self.bell.parked.must_ring() {
            self.bell.kernel.notify();
        }
    }
}

impl Drop for Rope {
    fn drop(&mut self) {
        self.life.write();
    }
}

/// A loop as `src/runtime` makes it, of an executor and a doorbell.
pub(crate) struct Loop {
    bell: Arc<Bell>,
    pub(crate) executor: Rc<Executor>,
    guard: Guard,
}

impl Loop {
    pub(crate) fn new() -> Loop {
        let bell = Arc::new(Bell { parked: Parked::new(), kernel: Notify::new() });
        let rope = Rope { bell: bell.clone(), life: Life::default() };
        let executor = Executor::new(Arc::new(rope).into());
        executor.set_report(Rc::new(|report| {
            ledger::checked(|| panic!("{}", report.message));
        }));
        Loop { bell, guard: executor.enter(), executor }
    }

    /// A task whose memory is not kept for the next one: it is too large.
    pub(crate) fn spawn<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        let ballast = [0_u8; 1024];
        spawn(async move {
            let output = future.await;
            std::hint::black_box(&ballast);
            output
        })
    }

    /// Turns as `Runtime::turn` and `Runtime::wait` do, until `done` says so.
    pub(crate) fn run(&self, done: impl Fn() -> bool) {
        loop {
            self.executor.run_rounds(256, |_| false);
            if done() {
                return;
            }
            if !self.executor.has_ready() {
                self.bell.parked.announce();
                if !self.executor.has_ready() {
                    self.bell.kernel.wait();
                }
                self.bell.parked.withdraw();
            }
        }
    }

    /// Turns until a task has ended.
    pub(crate) fn finish<T>(&self, mut task: JoinHandle<T>) -> T {
        self.run(|| task.is_finished());
        outcome(&mut task).expect("it has finished")
    }

    /// The doorbell, for whoever wants to see that nobody has it any more.
    pub(crate) fn end(self) -> Arc<Bell> {
        drop(self.guard);
        drop(self.executor);
        self.bell
    }
}

/// What a task came to, if it has.
pub(crate) fn outcome<T>(task: &mut JoinHandle<T>) -> Option<T> {
    let polled = std::pin::Pin::new(task).poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(outcome) => Some(outcome.expect("no panic")),
        Poll::Pending => None,
    }
}
