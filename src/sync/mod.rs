//! Waiting for one another: locks, events, permits, and values that are passed on.
//!
//! This is asyncio's chapter "Synchronization Primitives", with what Rust users also expect;
//! `docs/sync.md` has an example of each and asyncio's name for it.
//!
//! All of it keeps to one thread, waits in one kind of line, and holds to the same rules:
//!
//! - First come, first served, from the first poll on. Who comes later overtakes nobody, not even when
//!   what he wants is free at that moment.
//! - A waiter that had its turn and is dropped before it could use it passes it on: the lock, the
//!   permits, the notification go to the next one.
//! - Waiting allocates nothing: a waiter's place in line is in its future.
//! - None of it needs a loop of ringio. Under one, whatever is ready at once costs the task's budget,
//!   so that a task which always finds its locks free still lets others run.
//! - Wakers and your values are woken, cloned and dropped when everything is settled: they may use
//!   what they came from.
//!
//! A future that is forgotten (`mem::forget`) while it waits keeps its place, and what it is given
//! when its turn comes is lost with it. That is safe, and rarely what you want.

mod barrier;
pub mod broadcast;
mod by;
mod condition;
mod error;
mod event;
mod gate;
mod mutex;
mod notify;
mod once_cell;
pub mod oneshot;
mod rwlock;
mod semaphore;
pub(crate) mod wait_queue;
pub mod watch;

pub use barrier::Barrier;
pub use condition::Condition;
pub use error::{BrokenBarrier, OverRelease, RecvError};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use notify::Notify;
pub use once_cell::OnceCell;
pub use rwlock::{ReadGuard, RwLock, WriteGuard};
pub use semaphore::{Permit, Semaphore};

#[cfg(test)]
mod tests;
