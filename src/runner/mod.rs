//! Starting a loop and running futures on it.

mod builder;
mod default;
mod run;

pub use builder::Builder;
pub use default::{run, set_default_builder};
pub use run::{RunError, Runner};
