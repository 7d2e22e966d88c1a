//! The table at the end: medians over the rounds, and ratios with their spread.

use comfy_table::{CellAlignment, Table, presets};

use crate::compare::{MESSAGES, Runtime};
use crate::sample::{METRICS, Sample};

/// The samples of each contestant and message size, in the order of the rounds.
#[derive(Debug, Default)]
pub(crate) struct Results(Vec<(usize, Runtime, Sample)>);

impl Results {
    pub(crate) fn add(&mut self, message: usize, runtime: Runtime, sample: Sample) {
        self.0.push((message, runtime, sample));
    }

    /// A ratio compares the two samples of one round, which the machine treated most alike.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_header(["message", "proxy on"].into_iter().chain(METRICS));
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for message in MESSAGES {
            let ringio = self.of(message, Runtime::Ringio);
            let tokio = self.of(message, Runtime::Tokio);
            let size = format!("{message} B");
            table.add_row(row(&size, "ringio", |metric| typical(metric, column(&ringio, metric))));
            table.add_row(row(&size, "tokio", |metric| typical(metric, column(&tokio, metric))));
            table.add_row(row(&size, "ringio ÷ tokio", |metric| {
                let pairs = column(&ringio, metric).into_iter().zip(column(&tokio, metric));
                spread(pairs.map(|(ours, theirs)| ours / theirs).collect())
            }));
        }
        table
    }

    fn of(&self, message: usize, runtime: Runtime) -> Vec<Sample> {
        let wanted = |(m, r, _): &&(usize, Runtime, Sample)| (*m, *r) == (message, runtime);
        self.0.iter().filter(wanted).map(|(_, _, sample)| *sample).collect()
    }
}

fn row(size: &str, name: &str, cell: impl Fn(usize) -> String) -> Vec<String> {
    [size.to_owned(), name.to_owned()].into_iter().chain((0..METRICS.len()).map(cell)).collect()
}

fn column(samples: &[Sample], metric: usize) -> Vec<f64> {
    samples.iter().map(|sample| sample.0[metric]).collect()
}

/// The median, with as many digits as mean something.
fn typical(metric: usize, numbers: Vec<f64>) -> String {
    let decimals = if METRICS[metric] == "CPU µs/request" { 2 } else { 0 };
    format!("{:.decimals$}", median(&sorted(numbers)))
}

/// The median, and below it the least and the greatest.
fn spread(numbers: Vec<f64>) -> String {
    let numbers = sorted(numbers);
    let (least, greatest) = (numbers[0], numbers[numbers.len() - 1]);
    format!("{:.2}\n{least:.2}..{greatest:.2}", median(&numbers))
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}
