//! Runners that are dropped, closed, or unwound.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ringio::Runner;

use super::apart::{apart, times};
use super::level::{Level, memory};
use super::load::{Left, Sockets, start};
use crate::child::is_child;

const ROUNDS: usize = 1_000;

/// The first ones fill what a process keeps for its life.
const WARM_UP: usize = 20;

/// How much more resident memory there may be: what the system's allocator keeps for itself.
const SLACK: usize = 2 << 20;

/// One runner, from its start to its end.
fn round(number: usize, sockets: &Sockets) {
    let mut runner = Runner::builder().build().unwrap();
    let mut left = Left::default();
    let handle = runner.handle();
    if number % 4 == 3 {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let mut runner = runner;
            left = runner.run(start(sockets)).unwrap();
            runner.run(async { panic!("as the test wants") }).unwrap()
        }));
        assert!(unwound.is_err_and(|payload| payload.is::<&str>()));
    } else {
        left = runner.run(start(sockets)).unwrap();
        if number % 4 == 1 {
            runner.close();
            assert!(sockets.is_alone(), "the end of a loop gives every buffer back");
        }
        drop(runner);
    }
    left.assert_ports_are_free();
    assert!(sockets.is_alone(), "the end of a loop gives every buffer back");
    assert!(handle.is_closed());
    assert!(left.tasks.iter().all(|task| task.is_finished()));
}

fn rounds() {
    std::panic::set_hook(Box::new(|info| {
        if !info.payload().is::<&str>() || !info.to_string().contains("as the test wants") {
            eprintln!("{info}");
        }
    }));
    let sockets = Sockets::new();
    (0..WARM_UP).for_each(|number| round(number, &sockets));
    let (level, before) = (Level::now(), memory());
    for number in 0..ROUNDS {
        round(number, &sockets);
        assert_eq!(Level::now(), level, "after runner {number}");
    }
    let after = memory();
    println!(
        "{ROUNDS} runners, {level:?}, mapped {} to {}, resident {} to {}",
        before.0, after.0, before.1, after.1
    );
    assert!(after.0 <= before.0 + SLACK && after.1 <= before.1 + SLACK);
}

#[test]
fn a_thousand_runners_dropped_with_256_operations_in_flight_leave_nothing() {
    let name = "end::runners::\
                a_thousand_runners_dropped_with_256_operations_in_flight_leave_nothing";
    // A child of a thousand is done before the watchdog thinks that it hangs.
    for _ in 0..if is_child() { 1 } else { times() } {
        apart(name, " runners, ", rounds);
    }
}
