//! Tasks, timers and a channel: what a loop does without the kernel.

use crate::row::Bound::AtMost;
use crate::row::{Line, Row};

use super::Group;
use super::parts::micro;

const TIME: Line = Line::ratio("ns / operation", "time");
const CPU: Line = Line::ratio("CPU ms", "cpu");
const ALLOCATIONS: Line =
    Line::value("allocations / operation", "allocations").bound(AtMost(0.001));

pub(super) fn group() -> Group {
    let rows = vec![
        timed("spawn + join, one at a time", "spawn-one", 0.09),
        timed("spawn 10,000, then join", "spawn-many", 0.16),
        timed("yield among 1,000 tasks", "yield", 0.33),
        timed("timer: arm and cancel", "timer", 0.15),
        Row::new("100,000 sleepers of 1 to 1,000 ms", |bench, on| micro(bench, "sleepers", on))
            .line(CPU.bound(AtMost(0.65))),
        timed("channel, there and back", "channel", 0.17),
    ];
    let about = "One loop on one CPU. The channel is ringio's `Queue`, which keeps to one thread, and \
                 tokio's `mpsc::unbounded_channel`.";
    Group { name: "tasks", about, rows }
}

fn timed(name: &str, work: &'static str, bound: f64) -> Row {
    Row::new(name, move |bench, on| micro(bench, work, on))
        .line(TIME.bound(AtMost(bound)))
        .line(ALLOCATIONS)
}
