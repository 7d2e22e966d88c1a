//! What one measurement has found.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::str::FromStr;

/// Numbers by name. A child prints them on one line, as `name=number` words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(BTreeMap<String, f64>);

impl Sample {
    pub(crate) fn with(mut self, name: &str, number: f64) -> Sample {
        self.0.insert(name.to_owned(), number);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// What has been added since `before`, for each name that both have.
    pub(crate) fn since(&self, before: &Sample) -> Sample {
        let pairs = self.0.iter().filter_map(|(name, now)| Some((name, now - before.get(name)?)));
        Sample(pairs.map(|(name, more)| (name.clone(), more)).collect())
    }

    /// Takes in the numbers of another, each divided.
    pub(crate) fn extend_per(&mut self, count: f64, other: &Sample) {
        self.0.extend(other.0.iter().map(|(name, number)| (name.clone(), number / count)));
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, number)| write!(f, "{name}={number} "))
    }
}

impl FromStr for Sample {
    type Err = io::Error;

    fn from_str(line: &str) -> io::Result<Sample> {
        let word = |word: &str| {
            let (name, number) = word.split_once('=')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        let numbers: Option<BTreeMap<String, f64>> = line.split_whitespace().map(word).collect();
        numbers
            .filter(|numbers| !numbers.is_empty())
            .map(Sample)
            .ok_or_else(|| io::Error::other(format!("not a sample: {line:?}")))
    }
}
