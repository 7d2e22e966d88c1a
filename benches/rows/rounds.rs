//! The rounds: every contestant once in each, so that a ratio compares two measurements that the
//! machine treated most alike.

use std::collections::BTreeMap;
use std::io;

use indicatif::{ProgressBar, ProgressStyle};

use crate::row::{Bench, Contestant, Row};
use crate::sample::Sample;

/// What the contestants have got in one round.
pub(crate) type Round = BTreeMap<Contestant, Sample>;

/// What became of a row.
pub(crate) enum Outcome {
    Measured(Vec<Round>),
    /// What the machine lacks.
    Skipped(String),
    Failed(String),
}

/// Measures the rows of a group. Its rounds go through all rows, so that each row sees the machine
/// at several times.
pub(crate) fn run(bench: &Bench, rows: &[Row]) -> Vec<Outcome> {
    let start = |row: &Row| match row.lacks(&bench.machine) {
        Some(lacking) => Outcome::Skipped(lacking),
        None => Outcome::Measured(Vec::new()),
    };
    let mut outcomes: Vec<Outcome> = rows.iter().map(start).collect();
    let bar = progress_bar(bench.rounds * rows.len());
    for number in 0..bench.rounds {
        for (row, outcome) in rows.iter().zip(&mut outcomes) {
            bar.set_message(row.name.clone());
            if let Outcome::Measured(rounds) = outcome
                && number < row.rounds
            {
                match round(bench, row, number) {
                    Ok(round) => rounds.push(round),
                    Err(error) => *outcome = Outcome::Failed(error.to_string()),
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    outcomes
}

/// Whoever goes first in one round goes last in the next.
fn round(bench: &Bench, row: &Row, number: usize) -> io::Result<Round> {
    let mut order = row.contestants.clone();
    if number % 2 == 1 {
        order.reverse();
    }
    let measure = |on| {
        let sample = (row.measure)(bench, on);
        let named = |error| io::Error::other(format!("{on:?}, round {number}: {error}"));
        Ok((on, sample.map_err(named)?))
    };
    order.into_iter().map(measure).collect()
}

/// On standard error; hidden when that is no terminal.
fn progress_bar(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} [{elapsed}]");
    ProgressBar::new(steps as u64).with_style(style.expect("the template is sound"))
}
