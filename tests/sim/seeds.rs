//! Running a scenario for many seeds, each on a simulated kernel of its own.

use std::env;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use ringio::testing::sim::{Faults, Machine, Seen};
use ringio::{Builder, Runner};

use crate::allocator;
use crate::support::Random;

/// The environment variable that asks for one seed only.
const ONE_SEED: &str = "RINGIO_SIM_SEED";

/// One run of a scenario.
pub(crate) struct Run {
    pub(crate) machine: Machine,
    pub(crate) random: Random,
    /// Whether futures may be forgotten, which leaks by intention.
    pub(crate) forgets: bool,
}

impl Run {
    /// Loops of every size: few and small buffers, with and without spinning.
    pub(crate) fn builder(&mut self) -> Builder {
        let builder = Runner::builder().grace(Duration::from_millis(100));
        let builder = match self.random.below(4) {
            0 => builder,
            _ => {
                let count = [1, 2, 4, 16][self.random.below(4)];
                builder.buffers(count, [64, 1000, 4096, 16 * 1024][self.random.below(4)])
            }
        };
        if self.random.below(2) == 0 { builder.spin(Duration::ZERO) } else { builder }
    }

    /// Runs a future on such a loop.
    pub(crate) fn run<F: Future>(&mut self, future: F) -> F::Output {
        self.builder().build().unwrap().run(future).unwrap()
    }
}

/// Runs a scenario for `count` seeds; gives what was seen in all of them.
pub(crate) fn seeds(
    name: &str,
    count: u64,
    faults: fn(u64) -> Faults,
    scenario: impl Fn(&mut Run),
) -> Seen {
    let one = env::var(ONE_SEED).ok().map(|seed| seed.parse().expect("a number"));
    let count = match env::var_os("RINGIO_LONG") {
        Some(_) => 20 * count,
        None if is_capped() => count / 10,
        None => count,
    };
    let range = one.map_or(0..count, |seed| seed..seed + 1);
    let seeds = range.end - range.start;
    let mut all = Seen::default();
    for seed in range {
        let before = allocator::held();
        let outcome = catch_unwind(AssertUnwindSafe(|| one_run(seed, faults(seed), &scenario)));
        let (seen, may_leak) = outcome.unwrap_or_else(|payload| {
            eprintln!("{name}: failed with seed {seed} (RINGIO_SIM_SEED={seed})");
            resume_unwind(payload)
        });
        all += seen;
        // The first runs fill what is kept for a thread's life.
        let leaked = allocator::held() - before;
        let settled = all.submitted > 10_000;
        assert!(!settled || may_leak || leaked <= 0, "{name}: seed {seed} leaks {leaked} bytes");
    }
    // Past the harness, which keeps the output of tests that pass.
    let hours = all.nanos as f64 / 3.6e12;
    let (enters, done) = (all.enters, all.completed + all.events);
    let figures = format!(
        "{name}: {seeds} seeds, {enters} enters, {done} events, {hours:.3} virtual hours\n"
    );
    let _ = io::stdout().write_all(figures.as_bytes());
    println!("{all}");
    all
}

/// The hard cases of a scenario have occurred, each more often than `least`, if all of it was run.
#[track_caller]
pub(crate) fn occurred(seen: &Seen, cases: &[u64], least: u64) {
    assert!(!is_whole() || cases.iter().all(|&count| count > least), "{cases:?}\n{seen}");
}

/// Whether all seeds are run.
pub(crate) fn is_whole() -> bool {
    !is_capped() && env::var_os(ONE_SEED).is_none()
}

/// Whether the tier is below the newest. Each seed draws its own tier; what all lower ones lack is
/// looked at once more, in fewer seeds.
fn is_capped() -> bool {
    env::var_os("RINGIO_CAPS").is_some_and(|tier| tier != "6.18")
}

/// Gives what was seen, and whether memory may be leaked.
fn one_run(seed: u64, faults: Faults, scenario: impl Fn(&mut Run)) -> (Seen, bool) {
    let machine = Machine::new(seed, faults);
    let installed = machine.install();
    let mut run =
        Run { machine: machine.clone(), random: Random(seed), forgets: seed.is_multiple_of(2) };
    scenario(&mut run);
    let leaks = run.forgets;
    drop(run);
    drop(installed);
    (machine.finish(), leaks)
}
