//! SIGINT: counted, and told through an eventfd that a ring can poll. Whether SIGPIPE is ignored.
//!
//! ```
//! use uring_sys_shim::sys::signal;
//!
//! let guard = signal::install()?;
//! let before = signal::count();
//! nix::sys::signal::raise(nix::sys::signal::SIGINT)?;
//! assert_eq!(signal::count(), before + 1);
//! drop(guard); // Ctrl-C ends the process again.
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Safety
//! The handler touches atomics, errno, and async-signal-safe functions only (signal-safety(7)). The
//! eventfd it writes to is never closed. A disposition to restore is one that sigaction(2) gave.
#![allow(unsafe_code, reason = "a signal handler and sigaction(2)")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{IntoRawFd, RawFd};
use std::process;
use std::ptr::null;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

use super::descriptor::eventfd_write_real;
use super::eventfd;

/// How many SIGINTs were handled.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// What `COUNT` was at the last [`Guard::reset`].
static BASE: AtomicU64 = AtomicU64::new(0);
/// How many guards want the second SIGINT to end the process.
static ENDING: AtomicU32 = AtomicU32::new(0);
/// The eventfd, which is never read; -1 before the first [`install`].
static EVENT: AtomicI32 = AtomicI32::new(-1);
/// The process whose eventfd that is: a forked child shares it, but its signals are its own.
static PROCESS: AtomicU32 = AtomicU32::new(0);

static INSTALLED: Mutex<Installed> = Mutex::new(Installed { guards: 0, previous: None });

struct Installed {
    guards: usize,
    previous: Option<libc::sigaction>,
}

/// How many SIGINTs were handled since the process began.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Whether SIGINT has its default disposition, which ends the process.
///
/// # Errors
/// What sigaction(2) says.
pub fn is_default() -> io::Result<bool> {
    Ok(current()?.sa_sigaction == libc::SIG_DFL)
}

/// Whether the process ignores SIGPIPE, as every Rust program does that was not told otherwise.
///
/// ```
/// assert!(uring_sys_shim::sys::signal::ignores_sigpipe()?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What sigaction(2) says.
pub fn ignores_sigpipe() -> io::Result<bool> {
    Ok(sigaction(libc::SIGPIPE, null())?.sa_sigaction == libc::SIG_IGN)
}

/// Handles SIGINT until the last guard is dropped; then the previous disposition returns, unless
/// somebody else has replaced the handler meanwhile.
///
/// # Errors
/// `EMFILE` or `ENFILE` without a descriptor for the eventfd.
pub fn install() -> io::Result<Guard> {
    let mut installed = lock();
    if PROCESS.load(Ordering::Relaxed) != process::id() {
        EVENT.store(eventfd()?.into_raw_fd(), Ordering::Relaxed);
        PROCESS.store(process::id(), Ordering::Relaxed);
    }
    if installed.guards == 0 {
        installed.previous = Some(replace(&ours())?);
    }
    installed.guards += 1;
    Ok(Guard { fd: EVENT.load(Ordering::Relaxed), ends: false })
}

/// Keeps the handler of SIGINT installed.
#[derive(Debug)]
#[must_use = "dropping it restores the previous disposition"]
pub struct Guard {
    fd: RawFd,
    ends: bool,
}

impl Guard {
    /// The eventfd: one for the process, raised with each SIGINT, never read and never closed. A
    /// multishot poll sees each rise.
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// While this guard lives, a second SIGINT since [`Guard::reset`] ends the process as if it
    /// was not handled.
    pub fn end_on_second(&mut self) {
        if !self.ends {
            self.ends = true;
            ENDING.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets the SIGINTs that came so far: the next one is a first one.
    pub fn reset(&self) {
        BASE.store(count(), Ordering::Relaxed);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut installed = lock();
        if self.ends {
            ENDING.fetch_sub(1, Ordering::Relaxed);
        }
        installed.guards -= 1;
        if installed.guards > 0 {
            return;
        }
        let previous = installed.previous.take();
        let is_ours = current().is_ok_and(|now| now.sa_sigaction == ours().sa_sigaction);
        if let (Some(previous), true) = (previous, is_ours) {
            // It fails for bad signal numbers and addresses only.
            let _ = replace(&previous);
        }
    }
}

extern "C" fn on_sigint(signal: libc::c_int) {
    let errno = Errno::last_raw();
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let since = count.saturating_sub(BASE.load(Ordering::Relaxed));
    if since >= 2 && ENDING.load(Ordering::Relaxed) > 0 {
        // SAFETY: async-signal-safe.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        // It is blocked while this handler runs and takes effect when that returns.
        // SAFETY: async-signal-safe.
        unsafe { libc::raise(signal) };
    }
    // std's process::id is getpid(2), which is async-signal-safe.
    if PROCESS.load(Ordering::Relaxed) == process::id() {
        // The counter tells all; whoever polls looks at it.
        let _ = eventfd_write_real(EVENT.load(Ordering::Relaxed), 1);
    }
    Errno::set_raw(errno);
}

fn ours() -> libc::sigaction {
    // SAFETY: integers and an optional function pointer, for which zero is a value; an empty
    // signal set is all zeroes too.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_sigint as extern "C" fn(libc::c_int) as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    action
}

fn current() -> io::Result<libc::sigaction> {
    sigaction(libc::SIGINT, null())
}

fn replace(action: &libc::sigaction) -> io::Result<libc::sigaction> {
    sigaction(libc::SIGINT, action)
}

/// Sets the disposition if there is one, and returns the former.
fn sigaction(signal: libc::c_int, action: *const libc::sigaction) -> io::Result<libc::sigaction> {
    let mut former = MaybeUninit::zeroed();
    // SAFETY: the action is null, ours, or one that sigaction gave; the former is a local.
    Errno::result(unsafe { libc::sigaction(signal, action, former.as_mut_ptr()) })?;
    // SAFETY: zeroed, which is a value, and then written by the call.
    Ok(unsafe { former.assume_init() })
}

fn lock() -> MutexGuard<'static, Installed> {
    INSTALLED.lock().unwrap_or_else(PoisonError::into_inner)
}
