//! Trees on the simulated kernel, with reads in them.

use std::cell::Cell;
use std::io::{self, Write};

use ringio::testing::sim::Faults;

use crate::seeds::{occurred, seeds};
use crate::trees::forest::{forest, verdict};
use crate::trees::seen::{self, CASES};
use crate::trees::world::World;

#[test]
fn trees_on_the_simulated_kernel() {
    let all = Cell::new([0; CASES.len()]);
    let seen = seeds("trees", 4000, Faults::unkind, |run| {
        let world = World::new(run.random.next(), true, run.forgets);
        let builder = run.builder().exception_handler(|_| {});
        builder.build().unwrap().run(forest(&world)).unwrap();
        let mut sum = all.get();
        seen::add(&mut sum, verdict(&world));
        all.set(sum);
    });
    let all = all.get();
    let figures = format!("trees on the simulated kernel: {}\n", seen::figures(&all));
    let _ = io::stdout().write_all(figures.as_bytes());
    occurred(&seen, &[seen.cancelled], 100);
    if std::env::var_os("RINGIO_SIM_SEED").is_none() {
        seen::occurred(&all);
    }
}
