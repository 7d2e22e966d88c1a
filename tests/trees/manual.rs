//! Trees on a clock that jumps.

use std::env;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ringio::Runner;
use ringio::testing::ManualClock;

use crate::allocator;
use crate::support::{descriptors, within};
use crate::trees::forest::{forest, verdict};
use crate::trees::seen::{self, CASES, Counts};
use crate::trees::world::{GRACE, World};

const SEEDS: u64 = 8000;

#[test]
fn trees_on_a_manual_clock() {
    let one = env::var("RINGIO_SIM_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let is_long = env::var_os("RINGIO_LONG").is_some();
    let seeds = one.map_or(0..if is_long { 12 * SEEDS } else { SEEDS }, |seed| seed..seed + 1);
    let mut all = [0; CASES.len()];
    for seed in seeds {
        // A thread of its own, for what macros keep in it is a part of the seed, and a watchdog.
        let seen = catch_unwind(|| within(move || one_seed(seed)));
        let seen = seen.unwrap_or_else(|payload| {
            eprintln!("trees: failed with seed {seed} (RINGIO_SIM_SEED={seed})");
            resume_unwind(payload)
        });
        seen::add(&mut all, seen);
    }
    let _ = io::stdout()
        .write_all(format!("trees on a manual clock: {}\n", seen::figures(&all)).as_bytes());
    if one.is_none() {
        seen::occurred(&all);
    }
}

fn one_seed(seed: u64) -> Counts {
    // What a thread keeps for its life is there before anything is counted.
    grown(&World::new(seed, false, false), false);
    let (before, open) = (allocator::held(), descriptors());
    let world = World::new(seed, false, seed.is_multiple_of(4));
    grown(&world, true);
    let outcome = catch_unwind(AssertUnwindSafe(|| verdict(&world)));
    let forgets = world.forgets;
    drop(world);
    let seen = outcome.unwrap_or_else(|payload| resume_unwind(payload));
    let held = allocator::held() - before;
    // A handle that is forgotten keeps what its loop is woken by.
    assert!(forgets || descriptors() == open, "descriptors stay behind");
    assert!(forgets || held <= 0, "{held} bytes are leaked");
    seen
}

fn grown(world: &std::rc::Rc<World>, all: bool) {
    let builder = Runner::builder().clock(ManualClock::new()).grace(GRACE).buffers(1, 64);
    let mut runner = builder.exception_handler(|_| {}).build().unwrap();
    if all {
        runner.run(forest(world)).unwrap();
    }
}
