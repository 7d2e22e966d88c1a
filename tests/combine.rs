//! What futures are composed with in one task: `join!`, `try_join!`, `select!`, `shield`.

#[path = "combine/join.rs"]
mod join;
#[path = "combine/select.rs"]
mod select;
#[path = "combine/shield.rs"]
mod shield;
#[path = "combine/support.rs"]
mod support;
