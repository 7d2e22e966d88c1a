//! Floor 3: the only owner of driver, executor and timers; one turn of the loop.

mod config;
mod current;
mod local_handle;
mod lookup;
mod park;
mod remote_handle;
mod remote_join;
mod report;
mod shutdown;
mod stats;
mod stretch;
mod turn;

pub(crate) use config::Config;
pub(crate) use local_handle::LocalHandle;
pub(crate) use lookup::lookup;
pub use remote_handle::{LoopClosed, RemoteHandle};
pub use remote_join::{RemoteError, RemoteJoin};
pub use report::ExceptionContext;
pub(crate) use report::Handler;
pub use stats::{Stats, stats};
pub(crate) use turn::Runtime;
