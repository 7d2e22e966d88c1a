//! Trees on the simulated kernel, with reads in them.

use std::cell::RefCell;
use std::io::{self, Write};

use ringio::testing::sim::Faults;

use crate::seeds::{occurred, seeds};
use crate::support::Seen;
use crate::trees::forest::{all_cases, forest, verdict};
use crate::trees::world::World;

#[test]
fn trees_on_the_simulated_kernel() {
    let all = RefCell::new(Seen::default());
    let seen = seeds("trees", 4000, Faults::unkind, |run| {
        let world = World::new(run.random.next(), true, run.forgets);
        let builder = run.builder().exception_handler(|_| {});
        builder.build().unwrap().run(forest(&world)).unwrap();
        all.borrow_mut().all_of(verdict(&world));
    });
    let all = all.take();
    let _ = io::stdout().write_all(format!("trees on the simulated kernel: {all}\n").as_bytes());
    occurred(&seen, &[seen.cancelled], 100);
    if std::env::var_os("RINGIO_SIM_SEED").is_none() {
        all_cases(&all);
        all.at_least("reads", 10);
    }
}
