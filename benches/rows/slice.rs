//! How long a measurement takes, and what is counted in it.

use std::io;
use std::time::{Duration, Instant};
use std::{process, thread};

use clap::Args;

use crate::machine;
use crate::sample::Sample;

/// How long after its end a slice is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A warm-up, and the time after it that counts.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// Microseconds.
    #[arg(long = "warm-up", value_parser = micros)]
    pub(crate) warm_up: Duration,
    /// Microseconds.
    #[arg(long = "slice", value_parser = micros)]
    pub(crate) length: Duration,
}

fn micros(word: &str) -> Result<Duration, std::num::ParseIntError> {
    word.parse().map(Duration::from_micros)
}

impl Slice {
    /// For a child's command line.
    pub(crate) fn arguments(self) -> [String; 2] {
        let [warm_up, slice] = [self.warm_up, self.length].map(|time| time.as_micros());
        [format!("--warm-up={warm_up}"), format!("--slice={slice}")]
    }
}

/// What a load has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Go,
    /// The warm-up is over: count from zero.
    Begin,
    End,
}

/// Leads a load through its slice, and looks at the server's CPU time on the way.
#[derive(Debug)]
pub(crate) struct Watch {
    server: u32,
    slice: Slice,
    /// When the current phase ends.
    until: Instant,
    /// When the slice began, and the server's CPU time then.
    began: Option<(Instant, Duration)>,
    /// How long the slice was, and the server's CPU time in it.
    spent: (Duration, Duration),
}

impl Watch {
    /// The warm-up begins now. A load that is still under way long after its end is given up: the
    /// process ends.
    pub(crate) fn new(server: u32, slice: Slice) -> Watch {
        let until = Instant::now() + slice.warm_up;
        let longest = slice.warm_up + slice.length + PATIENCE;
        thread::spawn(move || {
            thread::sleep(longest);
            eprintln!("the server has not answered for {PATIENCE:?}");
            process::exit(1);
        });
        Watch { server, slice, until, began: None, spent: Default::default() }
    }

    /// When the load must look again.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// Says `warm` on standard output when the slice begins.
    pub(crate) fn step(&mut self, now: Instant) -> io::Result<Step> {
        if now < self.until {
            return Ok(Step::Go);
        }
        let (now, cpu) = (Instant::now(), machine::cpu_time(self.server)?);
        let Some((began, cpu_before)) = self.began else {
            println!("warm");
            self.began = Some((now, cpu));
            self.until = now + self.slice.length;
            return Ok(Step::Begin);
        };
        self.spent = (now - began, cpu.saturating_sub(cpu_before));
        Ok(Step::End)
    }

    /// What `count` things in the slice make of it: `cpu` is in microseconds of the server for
    /// each, `rate` is things per second, `share` the part of a core that the server has used.
    pub(crate) fn sample(&self, count: f64) -> Sample {
        let [wall, cpu] = [self.spent.0, self.spent.1].map(|time| time.as_secs_f64());
        let sample = Sample::default().with("count", count).with("share", cpu / wall);
        if count == 0.0 {
            return sample;
        }
        sample
            .with("cpu", cpu * 1e6 / count)
            .with("rate", count / wall)
            .with("per-cpu-second", count / cpu)
    }
}
