//! What waits without I/O: in order, nothing lost when a waiter is dropped, whatever wakers and values do.
//!
//! None of it needs a loop: most of this polls by hand, and counts how often.

#[path = "sync/barrier.rs"]
mod barrier;
#[path = "sync/broadcast.rs"]
mod broadcast;
#[path = "sync/by_hand.rs"]
mod by_hand;
#[path = "sync/condition.rs"]
mod condition;
#[path = "sync/contract.rs"]
mod contract;
#[path = "sync/elsewhere.rs"]
mod elsewhere;
#[path = "sync/event.rs"]
mod event;
#[path = "sync/forgotten.rs"]
mod forgotten;
#[path = "sync/hostile.rs"]
mod hostile;
#[path = "sync/many.rs"]
mod many;
#[path = "sync/model/mod.rs"]
mod model;
#[path = "sync/mutex.rs"]
mod mutex;
#[path = "sync/notify.rs"]
mod notify;
#[path = "sync/once_cell.rs"]
mod once_cell;
#[path = "sync/oneshot.rs"]
mod oneshot;
#[path = "sync/rwlock.rs"]
mod rwlock;
#[path = "sync/semaphore.rs"]
mod semaphore;
#[path = "sync/table.rs"]
mod table;
#[path = "sync/together.rs"]
mod together;
#[path = "sync/watch.rs"]
mod watch;
#[path = "support/watchdog.rs"]
mod watchdog;
