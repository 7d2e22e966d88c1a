//! A fact is run on the kernel, and on many simulated ones.

use std::{env, thread};

use uring_sys_shim::sim::{Faults, Machine, Seen};
use uring_sys_shim::{ActiveRing, Caps, Ring, Setup};

use super::shortage::alone;

/// How many simulated kernels of either kind, and how many with `RINGIO_LONG=1`.
const SEEDS: (u64, u64) = (100, 5000);

/// What a kernel is like on which a fact holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Whatever the kernel does that it may do.
    Always,
    /// Where everything comes at once, in order and whole.
    OnKindKernels,
    /// As always, and the process may lack descriptors for a while.
    WithoutDescriptors,
}

/// Whether the rings here lack something that a fact is about.
fn lacks(needs: Caps) -> bool {
    let caps = ActiveRing::new(&Setup::with_entries(1)).expect("a ring").caps();
    if !caps.contains(needs) {
        println!("skipped: the ring lacks {needs:?}");
    }
    !caps.contains(needs)
}

pub(crate) fn on_the_kernel(name: &str, fact: fn(), needs: Caps, holds: Holds) {
    if lacks(needs) {
        return;
    }
    match holds {
        Holds::WithoutDescriptors => alone(name, fact),
        Holds::Always | Holds::OnKindKernels => fact(),
    }
}

/// Names the seed of a simulated kernel on which a fact does not hold.
struct Seed<'a>(u64, &'a Faults);

impl Drop for Seed<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("on the simulated kernel of seed {} with {:?}", self.0, self.1);
        }
    }
}

fn on_a_simulated_one(fact: fn(), seed: u64, faults: &Faults) -> Seen {
    let machine = Machine::new(seed, faults.clone());
    let seed = Seed(seed, faults);
    let installed = machine.install();
    fact();
    drop(installed);
    let seen = machine.finish();
    drop(seed);
    seen
}

pub(crate) fn on_the_simulated_one(_: &str, fact: fn(), needs: Caps, holds: Holds) {
    let kind = Faults::none();
    let machine = Machine::new(0, kind.clone());
    let installed = machine.install();
    let lacks = lacks(needs);
    drop(installed);
    if lacks {
        return;
    }
    let mut seen = Seen::default();
    let mut kernels = 0;
    let long = env::var_os("RINGIO_LONG").is_some_and(|value| value == "1");
    for seed in 0..if long { SEEDS.1 } else { SEEDS.0 } {
        seen += on_a_simulated_one(fact, seed, &kind);
        kernels += 1;
        let mut unkind = Faults::unkind(seed);
        unkind.caps |= needs;
        match holds {
            Holds::OnKindKernels => continue,
            Holds::Always => {}
            Holds::WithoutDescriptors => unkind.no_descriptor = 500,
        }
        seen += on_a_simulated_one(fact, seed, &unkind);
        kernels += 1;
    }
    println!("{kernels} simulated kernels, {} operations", seen.submitted);
}
