//! What a loop is made with.

use std::time::Duration;

use crate::driver;
use crate::time::Clock;

/// The limits of a loop, each with its default.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) driver: driver::Config,
    pub(crate) clock: Clock,
    /// How long the tasks may take to end once the loop closes.
    pub(crate) grace: Duration,
    /// How long its jobs on other threads may take to end after that.
    pub(crate) patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            driver: driver::Config::default(),
            clock: Clock::real(),
            grace: Duration::from_secs(10),
            patience: Duration::from_secs(30),
        }
    }
}
