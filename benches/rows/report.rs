//! A group's table.

use comfy_table::{CellAlignment, Table, presets};

use crate::rounds::{Outcome, Round};
use crate::row::{Bound, Contestant, Line, Row};
use crate::statistics::{Estimate, estimate};

const COLUMNS: [&str; 8] =
    ["row", "what", "ringio", "other", "ratio", "95 % interval", "expected", "holds"];

/// What the columns mean; printed once.
pub(crate) const LEGEND: &str = "\
`other` is tokio, or what the row names. Values are medians over the rounds; `ratio` is the median of
the rounds' own ratios, ringio ÷ other, and the interval holds it with 95 % (bootstrap). `holds`: whether
the median is as expected, with `?` if the interval says that it might be otherwise.";

pub(crate) fn table(rows: &[Row], outcomes: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(COLUMNS);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for (row, outcome) in rows.iter().zip(outcomes) {
        match outcome {
            Outcome::Measured(rounds) => {
                for (number, line) in row.lines.iter().enumerate() {
                    let name = if number == 0 { &row.name } else { "" };
                    table.add_row([vec![name.to_owned()], cells(line, rounds)].concat());
                }
            }
            Outcome::Skipped(why) => drop(table.add_row([&row.name, &format!("skipped: {why}")])),
            Outcome::Failed(why) => drop(table.add_row([&row.name, &format!("FAILED: {why}")])),
        }
    }
    table
}

/// All but the row's name.
fn cells(line: &Line, rounds: &[Round]) -> Vec<String> {
    let of = |whose: Contestant| -> Vec<f64> {
        let numbers = rounds.iter().filter_map(|round| round.get(&whose)?.get(line.number));
        numbers.collect()
    };
    let (ours, theirs) = (of(line.ours), of(line.theirs));
    let judged = if line.ratio {
        ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect()
    } else {
        ours.clone()
    };
    let known = |values: &[f64]| (!values.is_empty()).then(|| estimate(values));
    let middle = |values: &[f64]| known(values).map_or("–".to_owned(), |it| figures(it.median));
    let mut cells = vec![line.title.to_owned(), middle(&ours), middle(&theirs)];
    cells.push(if line.ratio { middle(&judged) } else { String::new() });
    let interval = |it: Estimate| format!("{}..{}", figures(it.low), figures(it.high));
    cells.push(known(&judged).map(interval).unwrap_or_default());
    cells.push(line.bound.map(|bound| bound.to_string()).unwrap_or_default());
    cells.push(line.bound.zip(known(&judged)).map(verdict).unwrap_or_default());
    cells
}

fn verdict((bound, it): (Bound, Estimate)) -> String {
    let [median, low, high] = [it.median, it.low, it.high].map(|number| bound.holds(number));
    let sure = if low == high { "" } else { "?" };
    format!("{}{sure}", if median { "yes" } else { "no" })
}

/// Three figures, which is more than mean something.
fn figures(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        small if small < 0.095 => format!("{number:.3}"),
        small if small < 9.95 => format!("{number:.2}"),
        some if some < 99.5 => format!("{number:.1}"),
        many if many < 1e4 => format!("{number:.0}"),
        many if many < 1e6 => format!("{:.0}k", number / 1e3),
        _ => format!("{:.2}M", number / 1e6),
    }
}
