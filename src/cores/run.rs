//! Starting one loop per core, and ending them together.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use crate::runner::{Builder, RunError};
use crate::runtime::RemoteHandle;

use super::Core;

/// Why [`Cores::run`] has no results.
///
/// # Examples
/// ```
/// use ringio::{Cores, CoresError};
/// let ended = Cores::count(2).run(|core| async move { assert_eq!(core.index(), 0) });
/// assert!(matches!(ended, Err(CoresError::Panicked { core: 1, .. })));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum CoresError {
    /// A loop could not be made; none has run.
    Start(io::Error),
    /// The future of one loop has panicked; the others were ended in order.
    Panicked {
        /// The loop's number.
        core: usize,
        /// The panic's payload.
        payload: Box<dyn Any + Send>,
    },
    /// A loop could not go on; the others were ended in order.
    Failed {
        /// The loop's number.
        core: usize,
        /// What the loop met.
        error: RunError,
    },
    /// Ctrl-C has cancelled the futures (see [`Builder::ctrl_c`]).
    Interrupted,
}

impl fmt::Display for CoresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CoresError::Start(error) => error.fmt(f),
            CoresError::Panicked { core, .. } => write!(f, "the loop of core {core} has panicked"),
            CoresError::Failed { core, error } => write!(f, "the loop of core {core}: {error}"),
            CoresError::Interrupted => f.write_str("interrupted by Ctrl-C"),
        }
    }
}

impl std::error::Error for CoresError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CoresError::Start(error) => Some(error),
            CoresError::Failed { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// One event loop per core, each on a pinned thread of its own.
///
/// # Examples
/// ```
/// let squares = ringio::Cores::count(2)
///     .run(|core| async move { core.index() * core.index() })
///     .unwrap();
/// assert_eq!(squares, [0, 1]);
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `run`"]
pub struct Cores {
    /// The CPU of each loop; `None`: those that this thread may run on, as many as there are.
    cpus: Cpus,
    pin: bool,
    builder: Builder,
}

#[derive(Clone, Debug)]
enum Cpus {
    All,
    Count(usize),
    List(Vec<usize>),
}

impl Cores {
    /// One loop for each CPU that this thread may run on.
    ///
    /// # Examples
    /// ```
    /// let ends = ringio::Cores::all().run(|_| async {}).unwrap();
    /// assert!(!ends.is_empty());
    /// ```
    pub fn all() -> Cores {
        Cores { cpus: Cpus::All, pin: true, builder: Builder::default() }
    }

    /// `n` loops, on the first CPUs that this thread may run on; with more loops than CPUs they
    /// share.
    ///
    /// # Examples
    /// ```
    /// let counts = ringio::Cores::count(3).run(|core| async move { core.count() }).unwrap();
    /// assert_eq!(counts, [3, 3, 3]);
    /// ```
    pub fn count(n: usize) -> Cores {
        Cores { cpus: Cpus::Count(n), ..Cores::all() }
    }

    /// One loop on each of these CPUs.
    ///
    /// # Examples
    /// ```
    /// let ends = ringio::Cores::list([0, 2]).pin(false).run(|_| async {}).unwrap();
    /// assert_eq!(ends.len(), 2);
    /// ```
    pub fn list(cpus: impl IntoIterator<Item = usize>) -> Cores {
        Cores { cpus: Cpus::List(cpus.into_iter().collect()), ..Cores::all() }
    }

    /// Whether each thread is kept on its CPU. It is unless told.
    ///
    /// # Examples
    /// ```
    /// let cpus = ringio::Cores::count(1).pin(false).run(|core| async move { core.cpu() }).unwrap();
    /// assert_eq!(cpus, [None]);
    /// ```
    pub fn pin(mut self, on: bool) -> Cores {
        self.pin = on;
        self
    }

    /// What the loops are made with.
    ///
    /// # Examples
    /// ```
    /// let builder = ringio::Runner::builder().entries(64);
    /// ringio::Cores::count(2).builder(builder).run(|_| async {}).unwrap();
    /// ```
    pub fn builder(mut self, builder: Builder) -> Cores {
        self.builder = builder;
        self
    }

    /// Runs a future on each loop until all have ended; the results are in the order of the loops.
    /// The futures may borrow, and stay on their threads. No future starts before every loop is
    /// there.
    ///
    /// # Errors
    /// See [`CoresError`]. A panic in one future is returned after the others were dropped and
    /// their loops ended in order.
    ///
    /// # Examples
    /// ```
    /// let words = ["to", "be"];
    /// let lengths = ringio::Cores::count(2)
    ///     .run(|core| {
    ///         let words = &words;
    ///         async move { words[core.index()].len() }
    ///     })
    ///     .unwrap();
    /// assert_eq!(lengths, [2, 2]);
    /// ```
    pub fn run<F, Fut, T>(self, f: F) -> Result<Vec<T>, CoresError>
    where
        F: Fn(Core) -> Fut + Send + Sync,
        Fut: Future<Output = T>,
        T: Send,
    {
        let cpus = self.cpus().map_err(CoresError::Start)?;
        let shared = Shared::new(cpus.len());
        let ends: Vec<_> = thread::scope(|scope| {
            let mut threads = Vec::new();
            for (index, &cpu) in cpus.iter().enumerate() {
                let one = One { index, cpu, shared: &shared };
                let builder = match cpu {
                    Some(cpu) => self.builder.clone().cpu(cpu),
                    None => self.builder.clone(),
                };
                let f = &f;
                let thread = thread::Builder::new()
                    .name(format!("ringio-{index}"))
                    .spawn_scoped(scope, move || one.run(builder, f));
                if let Err(error) = &thread {
                    shared
                        .fail(io::Error::new(error.kind(), format!("starting a thread: {error}")));
                }
                threads.extend(thread);
            }
            threads.into_iter().map(|thread| thread.join()).collect()
        });
        shared.outcome(ends)
    }

    /// The CPU to pin each loop to.
    fn cpus(&self) -> io::Result<Vec<Option<usize>>> {
        let allowed = || -> io::Result<Vec<usize>> {
            let mask = sched_getaffinity(Pid::from_raw(0))?;
            Ok((0..CpuSet::count()).filter(|&cpu| mask.is_set(cpu) == Ok(true)).collect())
        };
        let cpus = match &self.cpus {
            Cpus::All => allowed()?,
            Cpus::Count(n) => allowed()?.into_iter().cycle().take(*n).collect(),
            Cpus::List(cpus) => cpus.clone(),
        };
        Ok(cpus.into_iter().map(|cpu| self.pin.then_some(cpu)).collect())
    }
}

/// What the threads share: how many loops are there, and whether all must end.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The handles of the loops, in their order, as they come up.
    handles: Vec<Option<RemoteHandle>>,
    peers: Option<Arc<[RemoteHandle]>>,
    failed: Option<io::Error>,
    stopping: bool,
    waiting: Vec<Waker>,
}

enum End<T> {
    Done(T),
    Panicked(Box<dyn Any + Send>),
    Interrupted,
    Failed(RunError),
    Stopped,
}

impl Shared {
    fn new(count: usize) -> Shared {
        let state = State {
            handles: vec![None; count],
            peers: None,
            failed: None,
            stopping: false,
            waiting: Vec::new(),
        };
        Shared { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A loop could not be made: none starts.
    fn fail(&self, error: io::Error) {
        self.lock().failed.get_or_insert(error);
        self.stop();
    }

    /// Ends every loop's future.
    fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Announces a loop and waits for the others; `None` if one could not be made.
    fn meet(&self, index: usize, handle: RemoteHandle) -> Option<Arc<[RemoteHandle]>> {
        let mut state = self.lock();
        state.handles[index] = Some(handle);
        if state.handles.iter().all(Option::is_some) {
            state.peers = Some(state.handles.drain(..).flatten().collect());
            self.changed.notify_all();
        }
        while state.peers.is_none() && !state.stopping {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.failed.is_some() { None } else { state.peers.clone() }
    }

    /// Runs a future until it has ended, or all must: then it is dropped and there is no output.
    async fn until_stopped<Fut: Future>(&self, future: Fut) -> Option<Fut::Output> {
        let mut future = pin!(future);
        let mut registered: Option<Waker> = None;
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            if registered.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
                registered = Some(cx.waker().clone());
                self.lock().waiting.push(cx.waker().clone());
            }
            if self.lock().stopping { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    fn outcome<T>(self, ends: Vec<thread::Result<End<T>>>) -> Result<Vec<T>, CoresError> {
        if let Some(error) = self.lock().failed.take() {
            return Err(CoresError::Start(error));
        }
        let mut results = Vec::new();
        let mut interrupted = false;
        let mut failed = None;
        for (core, end) in ends.into_iter().enumerate() {
            match end {
                Ok(End::Done(result)) => results.push(result),
                Ok(End::Interrupted) => interrupted = true,
                Ok(End::Failed(error)) => {
                    failed.get_or_insert(CoresError::Failed { core, error });
                }
                Ok(End::Stopped) => {}
                Ok(End::Panicked(payload)) | Err(payload) => {
                    failed.get_or_insert(CoresError::Panicked { core, payload });
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None if interrupted => Err(CoresError::Interrupted),
            None => Ok(results),
        }
    }
}

/// One of the threads.
struct One<'a> {
    index: usize,
    cpu: Option<usize>,
    shared: &'a Shared,
}

impl One<'_> {
    fn run<F, Fut, T>(self, builder: Builder, f: &F) -> End<T>
    where
        F: Fn(Core) -> Fut,
        Fut: Future<Output = T>,
    {
        let mut runner = match builder.build() {
            Ok(runner) => runner,
            Err(error) => {
                self.shared.fail(error);
                return End::Stopped;
            }
        };
        let Some(peers) = self.shared.meet(self.index, runner.handle()) else {
            return End::Stopped;
        };
        let core = Core { index: self.index, cpu: self.cpu, peers };
        let shared = self.shared;
        let main = async { shared.until_stopped(f(core)).await };
        let ended = catch_unwind(AssertUnwindSafe(|| runner.run(main)));
        let end = match ended {
            Ok(Ok(Some(output))) => End::Done(output),
            Ok(Ok(None)) => End::Stopped,
            Ok(Err(RunError::Interrupted)) => End::Interrupted,
            Ok(Err(error)) => {
                shared.stop();
                End::Failed(error)
            }
            Err(payload) => {
                shared.stop();
                End::Panicked(payload)
            }
        };
        runner.close();
        end
    }
}
