//! The running loop's local handle.

use std::time::Duration;

use crate::runtime::{ExceptionContext, LocalHandle, RemoteHandle};

/// The loop that runs on this thread.
///
/// # Panics
/// Outside a loop.
///
/// # Examples
/// ```
/// ringio::run(async {
///     let handle = ringio::event_loop().handle();
///     assert_eq!(handle.spawn(|| async { 6 * 7 }).await.unwrap(), 42);
/// });
/// ```
#[doc(alias = "get_running_loop")]
#[doc(alias = "get_event_loop")]
#[track_caller]
pub fn event_loop() -> EventLoop {
    match LocalHandle::current() {
        Some(local) => EventLoop { local },
        None => panic!("no event loop runs on this thread: call this inside `ringio::run`"),
    }
}

/// A loop's handle for its own thread, from [`event_loop`]. It does not keep the loop: what is set
/// after the loop's end goes nowhere.
#[derive(Clone, Debug)]
#[doc(alias = "AbstractEventLoop")]
pub struct EventLoop {
    local: LocalHandle,
}

impl EventLoop {
    /// Whom to tell, from now on, about errors and panics that nobody looked at and about what debug
    /// mode finds: in place of the [`Builder`](crate::Builder::exception_handler)'s. It runs on this
    /// thread and so may use what is not `Send`; a panic of its own is dropped.
    ///
    /// # Examples
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// ringio::run(async {
    ///     let seen = Rc::new(RefCell::new(Vec::new()));
    ///     let theirs = seen.clone();
    ///     ringio::event_loop().set_exception_handler(move |context| {
    ///         theirs.borrow_mut().push(context.message.clone());
    ///     });
    ///     drop(ringio::spawn(async { panic!("as the example wants") }));
    ///     ringio::yield_now().await;
    ///     assert_eq!(*seen.borrow(), ["a task panicked: as the example wants"]);
    /// });
    /// ```
    pub fn set_exception_handler(&self, f: impl Fn(&ExceptionContext) + 'static) {
        self.local.set_exception_handler(f);
    }

    /// The loop's handle for other threads.
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     let handle = ringio::event_loop().handle();
    ///     let thread = std::thread::spawn(move || handle.spawn(|| async { 1 }));
    ///     assert_eq!(thread.join().unwrap().await.unwrap(), 1);
    /// });
    /// ```
    pub fn handle(&self) -> RemoteHandle {
        self.local.remote().clone()
    }

    /// Whether debug mode is on; see [`Builder::debug`](crate::Builder::debug).
    #[doc(alias = "get_debug")]
    pub fn debug(&self) -> bool {
        self.local.debug()
    }

    /// Switches debug mode on or off; see [`Builder::debug`](crate::Builder::debug).
    ///
    /// # Examples
    /// ```
    /// ringio::run(async {
    ///     ringio::event_loop().set_debug(true);
    ///     assert!(ringio::event_loop().debug());
    /// });
    /// ```
    pub fn set_debug(&self, on: bool) {
        self.local.set_debug(on);
    }

    /// How long a poll takes that debug mode calls slow. Zero once the loop has ended.
    pub fn slow_callback_duration(&self) -> Duration {
        self.local.slow_callback_duration()
    }

    /// Sets how long a poll takes that debug mode calls slow.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// ringio::run(async {
    ///     let this = ringio::event_loop();
    ///     assert_eq!(this.slow_callback_duration(), Duration::from_millis(100));
    ///     this.set_slow_callback_duration(Duration::from_millis(10));
    ///     assert_eq!(this.slow_callback_duration(), Duration::from_millis(10));
    /// });
    /// ```
    pub fn set_slow_callback_duration(&self, slow: Duration) {
        self.local.set_slow_callback_duration(slow);
    }
}
