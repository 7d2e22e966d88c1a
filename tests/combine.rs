//! What futures are composed with in one task: `join!`, `try_join!`, `select!`, `gather`, `try_gather`, `as_completed`,
//! `wait`, `shield`.

#[path = "combine/as_completed.rs"]
mod as_completed;
#[path = "combine/gather.rs"]
mod gather;
#[path = "combine/join.rs"]
mod join;
#[path = "combine/select.rs"]
mod select;
#[path = "combine/shield.rs"]
mod shield;
#[path = "combine/support.rs"]
mod support;
#[path = "combine/wait.rs"]
mod wait;
#[path = "support/watchdog.rs"]
mod watchdog;
