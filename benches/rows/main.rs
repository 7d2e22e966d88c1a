//! What ringio costs, beside tokio's current-thread runtime in the same run.
//!
//! ```text
//! cargo bench                           # every row; about ten minutes
//! cargo bench -- --quick                # every row in few, short rounds: a first impression
//! cargo bench -- 'echo 50x64' tasks     # rows and groups whose names contain that
//! cargo bench -- --rounds 5 --secs 0.2
//! ```
//!
//! Every measurement is a process, or some, of its own: this program, playing a part. A server has
//! one CPU and its load another. Nothing here fails because of a time.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

mod allocator;
mod child;
mod control;
mod groups;
mod load;
mod machine;
mod micro;
mod part;
mod report;
mod rounds;
mod row;
mod sample;
mod serve;
mod slice;
mod statistics;

use groups::Group;
use machine::Machine;
use part::Part;
use rounds::Outcome;
use row::Bench;
use slice::Slice;

/// Measures ringio beside tokio's current-thread runtime.
#[derive(Debug, Parser)]
struct Args {
    /// Rows and groups whose names contain one of these; all of them unless told.
    names: Vec<String>,
    /// Few and short rounds.
    #[arg(long)]
    quick: bool,
    /// Rounds, each of which measures every contestant once.
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of a measurement.
    #[arg(long)]
    secs: Option<f64>,
    /// Name the rows, and measure nothing.
    #[arg(long)]
    list: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let done = if std::env::args().nth(1).as_deref() == Some(child::MARK) {
        Part::parse_from(std::env::args().skip(1)).run().map(|()| true)
    } else {
        measure(&Args::parse())
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("rows: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every row could be measured, or had a reason not to be.
fn measure(args: &Args) -> io::Result<bool> {
    let (rounds, secs) = if args.quick { (3, 0.1) } else { (15, 0.35) };
    let (rounds, secs) = (args.rounds.unwrap_or(rounds).max(1), args.secs.unwrap_or(secs));
    let length = Duration::try_from_secs_f64(secs).map_err(io::Error::other)?;
    let slice = Slice { warm_up: length / 3, length };
    let bench = Bench { machine: Machine::new()?, slice, rounds };
    let groups = meant(&args.names);
    if groups.is_empty() {
        return Err(io::Error::other("no row has such a name; `--list` shows them"));
    }
    if args.list {
        for Group { name, rows, .. } in groups {
            rows.iter().for_each(|row| println!("{name}: {}", row.name));
        }
        return Ok(true);
    }
    let support = ringio::support().to_string();
    println!("{rounds} rounds of {secs} s; {}", support.lines().next().unwrap_or_default());
    println!("{}\n", report::LEGEND);
    let mut all = true;
    for Group { name, about, rows } in groups {
        let outcomes = rounds::run(&bench, &rows);
        println!("{name}: {about}\n{}\n", report::table(&rows, &outcomes));
        all &= !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(_)));
    }
    Ok(all)
}

/// The groups, with those of their rows that one of the words means.
fn meant(words: &[String]) -> Vec<Group> {
    let mut groups = groups::all();
    for group in &mut groups {
        let is_meant = |word: &String, row: &row::Row| row.is_meant(group.name, word);
        group.rows.retain(|row| words.is_empty() || words.iter().any(|word| is_meant(word, row)));
    }
    groups.retain(|group| !group.rows.is_empty());
    groups
}
