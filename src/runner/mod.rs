//! Starting a loop and running futures on it.

mod builder;
mod default;
mod report;
mod run;

pub use builder::Builder;
pub use default::{run, set_default_builder};
pub use report::ExceptionContext;
pub use run::{RunError, Runner};
