//! One loop per core.

mod core;
mod run;

pub use self::core::Core;
pub use run::{Cores, CoresError};
