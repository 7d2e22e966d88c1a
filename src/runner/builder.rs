//! The settings of a loop.

use std::io;
use std::time::Duration;

use crate::runtime::{Config, ExceptionContext, Handler};

use super::run::Runner;

/// How to make a [`Runner`]: its limits, each with a default. It is the factory of the loops of
/// [`Cores`](crate::Cores), too.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// let mut runner = ringio::Runner::builder()
///     .entries(64)
///     .buffers(16, 4096)
///     .spin(Duration::ZERO)
///     .grace(Duration::from_secs(1))
///     .name("tiny")
///     .build()?;
/// assert_eq!(runner.run(async { 6 * 7 }).unwrap(), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[doc(alias = "loop_factory")]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    pub(super) config: Config,
    pub(super) cpu: Option<usize>,
    pub(super) name: Option<String>,
    pub(super) ctrl_c: bool,
    pub(super) handler: Handler,
    pub(super) debug: Option<bool>,
    pub(super) slow: Option<Duration>,
}

impl Builder {
    /// Entries of the submission queue, rounded up to a power of two; the completion queue has
    /// eight times as many. 256 unless told. Where locked memory is short the kernel gets fewer.
    pub fn entries(mut self, n: u32) -> Self {
        self.config.driver.entries = n.max(1);
        self
    }

    /// Pins the thread that builds the runner to a CPU.
    ///
    /// # Examples
    /// ```
    /// // Fails where this thread may not run on CPU 0.
    /// if let Ok(mut runner) = ringio::Runner::builder().cpu(0).build() {
    ///     runner.run(async { println!("on CPU 0, and nowhere else") }).unwrap();
    /// }
    /// ```
    pub fn cpu(mut self, cpu: usize) -> Self {
        self.cpu = Some(cpu);
        self
    }

    /// Names the main task, for reports.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Number (at most 32,768) and size in bytes of the kernel-filled buffers. Unless told, 64 of
    /// 64 KiB where the kernel fills them in parts (6.12), and 128 of 16 KiB elsewhere.
    pub fn buffers(mut self, count: u16, size: u32) -> Self {
        self.config.driver.buffers = Some((count, size));
        self
    }

    /// How long the loop may look for events before it parks, when events have lately come that
    /// soon. 50 µs unless told; zero switches it off.
    pub fn spin(mut self, longest: Duration) -> Self {
        self.config.driver.spin = longest;
        self
    }

    /// Has the first Ctrl-C (SIGINT) of each run cancel the main future, clean-ups first, so that the
    /// run gives [`RunError::Interrupted`](super::RunError::Interrupted), and the second end the process.
    /// Off unless told.
    ///
    /// # Examples
    /// ```
    /// let mut runner = ringio::Runner::builder().ctrl_c(true).build()?;
    /// match runner.run(async { "served until the end" }) {
    ///     Err(ringio::RunError::Interrupted) => println!("somebody pressed Ctrl-C"),
    ///     ended => assert_eq!(ended.unwrap(), "served until the end"),
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn ctrl_c(mut self, on: bool) -> Self {
        self.ctrl_c = on;
        self
    }

    /// How long clean-ups may take ([`on_cancel`](crate::on_cancel)) once their owner was asked to end,
    /// and tasks when the runner closes. 10 s unless told. Then they are dropped.
    pub fn grace(mut self, longest: Duration) -> Self {
        self.config.grace = longest;
        self
    }

    /// Switches debug mode on or off. Unless told it is on if the environment variable
    /// `RINGIO_DEBUG` is `1` when the runner is built.
    ///
    /// In debug mode polls of tasks, and closures from other threads, that keep the loop for longer
    /// than [`slow_callback_duration`](Builder::slow_callback_duration) are told to the exception
    /// handler, with the task's name and the place of its spawn. It costs two looks at the clock a
    /// poll; switched off it costs nothing. Errors and panics that nobody looked at are told in any
    /// mode.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    /// let mut runner = ringio::Runner::builder()
    ///     .debug(true)
    ///     .slow_callback_duration(Duration::from_millis(5))
    ///     .exception_handler(|context| assert!(context.message.contains("has kept the loop")))
    ///     .build()?;
    /// let blocks = async {
    ///     let began = Instant::now();
    ///     while began.elapsed() < Duration::from_millis(6) {}
    /// };
    /// runner.run(blocks).unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PYTHONASYNCIODEBUG")]
    pub fn debug(mut self, on: bool) -> Self {
        self.debug = Some(on);
        self
    }

    /// How long a poll takes that [`debug`](Builder::debug) mode calls slow. 100 ms unless told.
    pub fn slow_callback_duration(mut self, slow: Duration) -> Self {
        self.slow = Some(slow);
        self
    }

    /// Whom to tell about errors and panics that nobody looked at, and what debug mode finds. They are
    /// printed to standard error unless told.
    ///
    /// Each is told once, with the name of its task and the place of its spawn:
    /// - a panic, or an error ([which](crate::JoinHandle::report_errors)), of a task whose handle was
    ///   dropped without awaiting it: when the task has ended and the handle is gone, also while the
    ///   runner closes, and after;
    /// - those of a [`RemoteJoin`](crate::RemoteJoin), likewise, and at the latest when its loop ends;
    /// - a panic in a clean-up, in a closure from another thread, in a function on another thread whose
    ///   [`ThreadJob`](crate::ThreadJob) was dropped, or of a child whose group was. When the loop has
    ///   ended meanwhile it is told on that other thread.
    ///
    /// What was awaited, taken, or cancelled is not told, and the errors of a group's children are its
    /// own, which gives them to whoever awaits it. Another handler may take this one's place while the
    /// loop runs ([`EventLoop::set_exception_handler`](crate::EventLoop::set_exception_handler)).
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    /// static SEEN: AtomicBool = AtomicBool::new(false);
    /// let mut runner = ringio::Runner::builder()
    ///     .exception_handler(|context| SEEN.store(context.spawned_at.is_some(), Relaxed))
    ///     .build()?;
    /// runner
    ///     .run(async {
    ///         drop(ringio::spawn(async { panic!("as the example wants") }));
    ///         ringio::yield_now().await;
    ///     })
    ///     .unwrap();
    /// assert!(SEEN.load(Relaxed));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "set_exception_handler")]
    pub fn exception_handler(
        mut self,
        f: impl Fn(&ExceptionContext) + Send + Sync + 'static,
    ) -> Self {
        self.handler = Handler::new(f);
        self
    }

    /// Runs the loop on a clock that moves only when told to.
    ///
    /// # Examples
    /// ```
    /// use ringio::{testing::ManualClock, time::sleep};
    /// let mut runner = ringio::Runner::builder().clock(ManualClock::new()).build()?;
    /// runner.run(sleep(std::time::Duration::from_secs(86_400))).unwrap(); // takes no time
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: crate::time::manual::ManualClock) -> Self {
        self.config.clock = crate::time::Clock::manual(clock);
        self
    }

    /// Sets up the loop. It belongs to this thread.
    ///
    /// # Errors
    /// What keeps the ring from being made, with the remedy in words (see [`doctor`](crate::doctor)),
    /// or a CPU that this thread may not run on.
    pub fn build(self) -> io::Result<Runner> {
        Runner::new(self)
    }
}
