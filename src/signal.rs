//! Signals, as futures.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uring_sys_shim::Cqe;
use uring_sys_shim::sys::signal;

use crate::driver::{self, Driver, OpKey, Routing, Sink};
use crate::op::poll;

/// Waits for the next SIGINT, as Ctrl-C sends it, counted from the call.
///
/// While somebody waits, the signal does not end the process. Several waiters, also on several
/// loops, all see it.
///
/// # Errors
/// Outside a loop, or when the process has no descriptors left.
///
/// # Cancel safety
/// A dropped future loses nothing: a signal is an event for whoever waits.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::{signal, timeout};
/// use std::time::Duration;
/// let pressed = timeout(Duration::from_millis(1), signal::ctrl_c()).await;
/// assert!(pressed.is_err(), "nobody has pressed Ctrl-C");
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub fn ctrl_c() -> CtrlC {
    CtrlC(listen())
}

/// The future of [`ctrl_c`]. It listens from the call on.
#[derive(Debug)]
pub struct CtrlC(io::Result<Interrupts>);

impl Future for CtrlC {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(interrupts) => interrupts.poll_next(cx).map(Ok),
            // The error is given once; a second poll finds another one.
            failed => {
                let gone = io::Error::other("polled after completion");
                Poll::Ready(std::mem::replace(failed, Err(gone)).map(drop))
            }
        }
    }
}

fn listen() -> io::Result<Interrupts> {
    let driver = driver::current::expect()?;
    Interrupts::new(&driver, signal::install()?)
}

/// Listens for SIGINT until it is dropped.
#[derive(Debug)]
pub(crate) struct Interrupts {
    watch: Rc<Watch>,
}

/// The transport of it: a multishot poll of the process's own eventfd for SIGINT, which nobody
/// reads, so that every loop sees each edge.
#[derive(Debug)]
struct Watch {
    driver: Rc<Driver>,
    guard: RefCell<Option<signal::Guard>>,
    fd: i32,
    key: Cell<Option<OpKey>>,
    seen: Cell<u64>,
    waiter: RefCell<Option<Waker>>,
}

impl Interrupts {
    pub(crate) fn new(driver: &Rc<Driver>, guard: signal::Guard) -> io::Result<Interrupts> {
        let watch = Rc::new(Watch {
            driver: driver.clone(),
            fd: guard.fd(),
            guard: RefCell::new(Some(guard)),
            key: Cell::new(None),
            seen: Cell::new(signal::count()),
            waiter: RefCell::default(),
        });
        watch.arm()?;
        Ok(Interrupts { watch })
    }

    /// Whether a signal has come that was not taken before.
    pub(crate) fn take(&self) -> bool {
        let count = signal::count();
        self.watch.seen.replace(count) != count
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.take() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let before = self.watch.waiter.replace(Some(waker));
        drop(before);
        // It may have come while the waker was stored.
        if self.take() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Watch {
    fn arm(self: &Rc<Self>) -> io::Result<()> {
        let key = poll::readable_multi(&self.driver, self.fd, self.clone(), 0)?;
        self.key.set(Some(key));
        Ok(())
    }
}

impl Sink for Watch {
    fn complete(self: Rc<Self>, _: u32, cqe: Cqe, routing: &mut Routing<'_>) {
        routing.wakes.take_from(&mut self.waiter.borrow_mut());
        if !cqe.more() {
            self.key.set(None);
            if self.guard.borrow().is_some() && self.driver.is_open() {
                // The loop is open, so this fails only with 2²⁴ operations in flight.
                let _ = self.arm();
            }
        }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        let guard = self.watch.guard.take();
        drop(guard);
        if let Some(key) = self.watch.key.take() {
            self.watch.driver.cancel(key);
        }
    }
}
