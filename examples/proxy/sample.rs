//! What one run of the load measured.

use std::fmt;
use std::io;
use std::str::FromStr;

/// What is measured, in the order of a [`Sample`].
pub(crate) const METRICS: [&str; 5] =
    ["requests/s", "p50 µs", "p99 µs", "p99.9 µs", "CPU µs/request"];

/// One number for each of [`METRICS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample(pub(crate) [f64; METRICS.len()]);

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|number| write!(f, "{number} "))
    }
}

impl FromStr for Sample {
    type Err = io::Error;

    fn from_str(words: &str) -> io::Result<Sample> {
        let numbers: Option<Vec<f64>> =
            words.split_whitespace().map(|word| word.parse().ok()).collect();
        numbers
            .and_then(|numbers| numbers.try_into().ok())
            .map(Sample)
            .ok_or_else(|| io::Error::other(format!("not a sample: {words:?}")))
    }
}
