//! Floor 7: the loop, as its own tasks see it.

mod handle;

pub use handle::{EventLoop, event_loop};
