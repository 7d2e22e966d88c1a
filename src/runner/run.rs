//! Running futures on a loop.
//!
//! # Safety
//! The main future may borrow from the caller's stack. It is dropped before `run` returns, on
//! every path, also when unwinding: `Main` sees to it.

#![allow(unsafe_code, reason = "runs a future that borrows from the caller")]

use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use uring_sys_shim::sys::signal;

use crate::driver;
use crate::executor::locals::{self, Locals};
use crate::executor::{JoinError, JoinHandle, Meta};
use crate::runtime::{RemoteHandle, Runtime, Stats};
use crate::signal::Interrupts;

use super::Builder;

/// Why [`Runner::run`] has no result.
///
/// # Examples
/// ```
/// use ringio::{RunError, Runner};
/// let mut outer = Runner::builder().build()?;
/// let mut inner = Runner::builder().build()?;
/// let nested = outer.run(async { inner.run(async {}) }).unwrap();
/// assert!(matches!(nested, Err(RunError::Nested)));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// A loop runs on this thread already.
    Nested,
    /// Ctrl-C has cancelled the main future (see [`Builder::ctrl_c`]).
    Interrupted,
    /// The runner was closed.
    Closed,
    /// The kernel has refused to be entered, or, with [`Builder::ctrl_c`], to watch for the signal.
    Io(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Nested => f.write_str(
                "an event loop runs on this thread already: await the future there, or run it on \
                 another thread",
            ),
            RunError::Interrupted => f.write_str("interrupted by Ctrl-C"),
            RunError::Closed => f.write_str("the runner is closed"),
            RunError::Io(error) => write!(f, "the kernel refused to be entered: {error}"),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RunError::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// An event loop that runs futures, one after another; tasks and timers that one run leaves
/// behind go on in the next.
///
/// # Examples
/// ```
/// let mut runner = ringio::Runner::builder().build()?;
/// let task = runner.run(async { ringio::spawn(async { 6 * 7 }) }).unwrap();
/// assert_eq!(runner.run(task).unwrap().unwrap(), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runner {
    runtime: Runtime,
    settings: Builder,
    /// The values of `task_local!` that main futures have.
    locals: Rc<Locals>,
    _on_thread: PhantomData<Rc<()>>,
}

impl Runner {
    /// The settings to make a runner with.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn new(settings: Builder) -> io::Result<Runner> {
        if let Some(cpu) = settings.cpu {
            pin(cpu)?;
        }
        let runtime = Runtime::new(settings.config.clone())?;
        let handler = settings.handler.clone();
        runtime.executor.set_default_report(Arc::new(move |report| handler.report(report)));
        let by_environment = || std::env::var_os("RINGIO_DEBUG").is_some_and(|value| value == "1");
        runtime.executor.set_debug(settings.debug.unwrap_or_else(by_environment));
        if let Some(slow) = settings.slow {
            runtime.executor.set_slow(slow);
        }
        let locals = locals::inherit().unwrap_or_default();
        Ok(Runner { runtime, settings, locals, _on_thread: PhantomData })
    }

    /// Runs a future, and everything that was spawned, until the future has ended. What is left
    /// then stands still until the next run.
    ///
    /// # Errors
    /// See [`RunError`].
    ///
    /// # Panics
    /// With the panic of the future. Panics of tasks stay with their handles.
    #[track_caller]
    pub fn run<F: Future>(&mut self, future: F) -> Result<F::Output, RunError> {
        if self.runtime.driver.is_closed() {
            return Err(RunError::Closed);
        }
        if driver::current::get().is_some() {
            return Err(RunError::Nested);
        }
        let _guard = self.runtime.enter();
        let interrupts = self.interrupts().map_err(RunError::Io)?;
        let meta = Meta::with(Some(self.locals.clone()));
        let meta = meta.named(self.settings.name.as_deref().map(Rc::from));
        // SAFETY: `Main` drops the future before this function is left in any way.
        let mut main = Main(unsafe { self.runtime.executor.spawn_unchecked(meta, future) });
        let mut interrupted = false;
        loop {
            if let Some(outcome) = main.outcome() {
                return match outcome {
                    Ok(output) => Ok(output),
                    Err(JoinError::Panicked(payload)) => std::panic::resume_unwind(payload),
                    Err(_) if interrupted => Err(RunError::Interrupted),
                    Err(_) => Err(RunError::Closed),
                };
            }
            if interrupts.as_ref().is_some_and(Interrupts::take) {
                interrupted = main.0.cancel();
            }
            self.runtime.turn(|| main.0.is_finished()).map_err(RunError::Io)?;
        }
    }

    fn interrupts(&self) -> io::Result<Option<Interrupts>> {
        if !self.settings.ctrl_c {
            return Ok(None);
        }
        let mut guard = signal::install()?;
        guard.reset();
        guard.end_on_second();
        Interrupts::new(&self.runtime.driver, guard).map(Some)
    }

    /// A handle for other threads.
    ///
    /// # Examples
    /// ```
    /// let mut runner = ringio::Runner::builder().build()?;
    /// let handle = runner.handle();
    /// let answer = std::thread::spawn(move || handle.spawn(|| async { 6 * 7 }));
    /// let answer = answer.join().unwrap();
    /// assert_eq!(runner.run(answer).unwrap().unwrap(), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn handle(&self) -> RemoteHandle {
        RemoteHandle::new(self.runtime.executor.remote())
    }

    /// What the loop has done so far, in all its runs.
    ///
    /// # Examples
    /// ```
    /// let mut runner = ringio::Runner::builder().build()?;
    /// assert_eq!(runner.stats().polls, 0);
    /// runner.run(async {}).unwrap();
    /// assert_eq!(runner.stats().polls, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        self.runtime.stats()
    }

    /// Ends the loop in order: remote work is refused, writers that are being closed have a second to
    /// send what they have, every task is cancelled and ends or is dropped after the grace, every
    /// operation is taken back from the kernel, the ring is closed.
    /// Dropping the runner does the same. Closing twice is closing once.
    ///
    /// # Examples
    /// ```
    /// let mut runner = ringio::Runner::builder().build()?;
    /// runner.close();
    /// assert!(matches!(runner.run(async {}), Err(ringio::RunError::Closed)));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn close(&mut self) {
        self.runtime.close();
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("driver", &self.runtime.driver).finish_non_exhaustive()
    }
}

/// The main task. Dropping this drops its future.
struct Main<T>(JoinHandle<T>);

impl<T> Main<T> {
    fn outcome(&mut self) -> Option<Result<T, JoinError>> {
        if !self.0.is_finished() {
            return None;
        }
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.0).poll(&mut cx) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}

impl<T> Drop for Main<T> {
    fn drop(&mut self) {
        self.0.drop_now();
    }
}

/// Keeps this thread on one CPU.
pub(crate) fn pin(cpu: usize) -> io::Result<()> {
    let mut cpus = CpuSet::new();
    let refused = |errno: nix::errno::Errno| {
        let message = format!("pinning to CPU {cpu}: {errno}; the thread's mask lacks it");
        io::Error::new(io::Error::from(errno).kind(), message)
    };
    cpus.set(cpu).map_err(refused)?;
    sched_setaffinity(Pid::from_raw(0), &cpus).map_err(refused)
}
