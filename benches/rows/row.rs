//! A row: what is measured, on whom, and what is expected of it.

use std::fmt;
use std::io;

use clap::ValueEnum;

use crate::machine::Machine;
use crate::sample::Sample;
use crate::slice::Slice;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contestant {
    /// As it comes.
    Ringio,
    /// ringio with `Builder::spin(Duration::ZERO)`.
    Parking,
    /// Its current-thread runtime.
    Tokio,
    /// A loop on a ring, without a runtime.
    Raw,
    /// The same on ringio by plain means: spawned tasks for a group, `join_all` for `gather`.
    Plain,
    /// The crate of that name, on ringio's loop.
    AsyncChannel,
    /// The crate of that name, on ringio's loop.
    AsyncLock,
    /// The crate of that name, on ringio's loop.
    LocalSync,
}

impl Contestant {
    /// As a child's command line has it.
    pub(crate) fn argument(self) -> String {
        let value = self.to_possible_value().expect("no contestant is skipped");
        format!("--on={}", value.get_name())
    }
}

/// What a ratio, or a value, is expected to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    Below(f64),
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    pub(crate) fn holds(self, number: f64) -> bool {
        match self {
            Bound::Below(limit) => number < limit,
            Bound::AtMost(limit) => number <= limit,
            Bound::AtLeast(limit) => number >= limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Below(limit) => write!(f, "< {limit}"),
            Bound::AtMost(limit) => write!(f, "≤ {limit}"),
            Bound::AtLeast(limit) => write!(f, "≥ {limit}"),
        }
    }
}

/// One number of a row's samples, and whose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) title: &'static str,
    /// Its name in the [`Sample`].
    pub(crate) number: &'static str,
    pub(crate) ours: Contestant,
    pub(crate) theirs: Contestant,
    /// Whether the bound is for the ratio of both; otherwise it is for our value.
    pub(crate) ratio: bool,
    pub(crate) bound: Option<Bound>,
}

impl Line {
    /// ringio's number over tokio's.
    pub(crate) const fn ratio(title: &'static str, number: &'static str) -> Line {
        let (ours, theirs) = (Contestant::Ringio, Contestant::Tokio);
        Line { title, number, ours, theirs, ratio: true, bound: None }
    }

    /// ringio's number, with tokio's beside it.
    pub(crate) const fn value(title: &'static str, number: &'static str) -> Line {
        Line { ratio: false, ..Line::ratio(title, number) }
    }

    pub(crate) const fn of(self, ours: Contestant, theirs: Contestant) -> Line {
        Line { ours, theirs, ..self }
    }

    pub(crate) const fn bound(self, bound: Bound) -> Line {
        Line { bound: Some(bound), ..self }
    }
}

/// What a measurement is made with.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) slice: Slice,
    pub(crate) rounds: usize,
}

type Measure = Box<dyn Fn(&Bench, Contestant) -> io::Result<Sample>>;

/// Something that is measured on each contestant in turn.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) lines: Vec<Line>,
    pub(crate) measure: Measure,
    /// Rounds that are enough, for what hardly varies.
    pub(crate) rounds: usize,
    cpus: usize,
    connections: usize,
}

impl Row {
    pub(crate) fn new(
        name: impl Into<String>,
        measure: impl Fn(&Bench, Contestant) -> io::Result<Sample> + 'static,
    ) -> Row {
        Row {
            name: name.into(),
            contestants: vec![Contestant::Ringio, Contestant::Tokio],
            lines: Vec::new(),
            measure: Box::new(measure),
            rounds: usize::MAX,
            cpus: 1,
            connections: 0,
        }
    }

    pub(crate) fn among(mut self, contestants: &[Contestant]) -> Row {
        self.contestants = contestants.to_vec();
        self
    }

    pub(crate) fn line(mut self, line: Line) -> Row {
        self.lines.push(line);
        self
    }

    pub(crate) fn rounds(mut self, enough: usize) -> Row {
        self.rounds = enough;
        self
    }

    /// Two CPUs, and so many connections in one process.
    pub(crate) fn connections(mut self, count: usize) -> Row {
        self.cpus = 2;
        self.connections = count;
        self
    }

    pub(crate) fn two_cpus(self) -> Row {
        self.connections(0)
    }

    /// What the machine lacks for it.
    pub(crate) fn lacks(&self, machine: &Machine) -> Option<String> {
        if machine.cpus.len() < self.cpus {
            return Some(format!("needs {} CPUs", self.cpus));
        }
        let lacking = machine.connections() < self.connections;
        lacking.then(|| format!("needs descriptors for {} connections", self.connections))
    }

    /// Whether a word of the command line means it.
    pub(crate) fn is_meant(&self, group: &str, word: &str) -> bool {
        let plain = |text: &str| text.replace('×', "x").replace('µ', "u").to_lowercase();
        [group, &self.name].iter().any(|name| plain(name).contains(&plain(word)))
    }
}
