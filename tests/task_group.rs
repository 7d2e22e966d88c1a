//! Task groups: children that borrow, errors that are kept, ends that wait.

#[path = "task_group/borrowing.rs"]
mod borrowing;
#[path = "task_group/cancelling.rs"]
mod cancelling;
#[path = "task_group/ending.rs"]
mod ending;
#[path = "task_group/failing.rs"]
mod failing;
#[path = "task_group/forgetting.rs"]
mod forgetting;
#[path = "task_group/growing.rs"]
mod growing;
#[path = "task_group/starting.rs"]
mod starting;
#[path = "combine/support.rs"]
mod support;
#[path = "support/watchdog.rs"]
mod watchdog;
