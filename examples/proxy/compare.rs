//! The comparison: both contestants in turn, under the same load, for several rounds.

use std::env;
use std::io;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::child::Child;
use crate::machine;
use crate::report::Results;
use crate::sample::Sample;

/// Connections for each core of the proxy.
const CONNECTIONS: usize = 50;
/// Sizes of the messages, in bytes.
pub(crate) const MESSAGES: [usize; 2] = [64, 16 * 1024];
/// More cores than this for the proxy would make the load anything but bounded.
const MOST_CORES: usize = 8;

/// The contestants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    Ringio,
    Tokio,
}

impl Runtime {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Runtime::Ringio => "ringio",
            Runtime::Tokio => "tokio",
        }
    }
}

/// How long the comparison takes, and which CPUs it uses.
struct Plan {
    rounds: usize,
    warm_up: Duration,
    measure: Duration,
    proxy_cpus: Vec<usize>,
    load_cpus: Vec<usize>,
}

impl Plan {
    /// Half of the CPUs for the proxy, as many for the load and the upstream. One CPU is shared.
    fn new() -> io::Result<Plan> {
        let cpus = machine::cpus()?;
        let cores = (cpus.len() / 2).clamp(1, MOST_CORES);
        let (rounds, warm_up, measure) =
            if env::var_os("CI").is_some() { (2, 100, 300) } else { (5, 250, 1200) };
        Ok(Plan {
            rounds,
            warm_up: Duration::from_millis(warm_up),
            measure: Duration::from_millis(measure),
            proxy_cpus: cpus[..cores].to_vec(),
            load_cpus: cpus[cpus.len() - cores..].to_vec(),
        })
    }
}

/// Runs the comparison and prints its table.
pub(crate) fn run() -> io::Result<()> {
    let plan = Plan::new()?;
    println!(
        "proxy on CPU {:?}, load and upstream on CPU {:?}, {CONNECTIONS} connections per core, \
         {} rounds of {:?}",
        plan.proxy_cpus, plan.load_cpus, plan.rounds, plan.measure
    );
    let mut upstream = Child::start("upstream", &[cpus_argument(&plan.load_cpus)])?;
    let upstream_address = upstream.listening()?.to_string();

    let mut results = Results::default();
    let bar = progress_bar(plan.rounds * MESSAGES.len() * 2);
    for round in 0..plan.rounds {
        // Whoever goes first in one round goes second in the next.
        let mut order = [Runtime::Ringio, Runtime::Tokio];
        order.rotate_left(round % 2);
        for message in MESSAGES {
            for runtime in order {
                bar.set_message(format!("{}, {message} B", runtime.name()));
                results.add(message, runtime, measure(&plan, runtime, &upstream_address, message)?);
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    println!("{}", results.table());
    println!("Ratios: the median of the rounds' own ratios, and their spread.");
    println!(
        "Where the load's CPU is the bottleneck, CPU time per request tells more than requests/s."
    );
    Ok(())
}

/// One contestant, started afresh, under one load.
fn measure(plan: &Plan, runtime: Runtime, upstream: &str, message: usize) -> io::Result<Sample> {
    let mut proxy = Child::start(
        "serve",
        &[
            format!("--runtime={}", runtime.name()),
            format!("--upstream={upstream}"),
            cpus_argument(&plan.proxy_cpus),
        ],
    )?;
    let target = proxy.listening()?;
    let load = Child::start(
        "load",
        &[
            format!("--target={target}"),
            format!("--pid={}", proxy.pid()),
            format!("--connections={}", CONNECTIONS * plan.proxy_cpus.len()),
            format!("--message={message}"),
            format!("--warm-up={}", plan.warm_up.as_millis()),
            format!("--measure={}", plan.measure.as_millis()),
            cpus_argument(&plan.load_cpus),
        ],
    )?;
    let sample = load.result().map_err(|error| {
        io::Error::new(error.kind(), format!("{} at {message} B: {error}", runtime.name()))
    })?;
    sample.parse()
}

fn cpus_argument(cpus: &[usize]) -> String {
    let numbers: Vec<String> = cpus.iter().map(usize::to_string).collect();
    format!("--cpus={}", numbers.join(","))
}

/// On standard error; hidden when that is no terminal.
fn progress_bar(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} [{elapsed}]");
    ProgressBar::new(steps as u64).with_style(style.expect("the template is sound"))
}
