//! Futures and tasks that belong together.

use crate::row::Bound::AtMost;
use crate::row::Contestant::{Plain, Ringio, Tokio};
use crate::row::{Line, Row};

use super::Group;
use super::parts::micro;

const TIME: Line = Line::ratio("ns / operation", "time");
const ALLOCATIONS: Line =
    Line::value("allocations / operation", "allocations").bound(AtMost(0.001));

pub(super) fn group() -> Group {
    let rows = vec![
        row("10,000 children of a group", "children")
            .among(&[Ringio, Plain, Tokio])
            .line(TIME.of(Ringio, Plain).bound(AtMost(1.0)))
            .line(TIME.bound(AtMost(0.5)))
            .line(ALLOCATIONS),
        row("gather of 10,000, beside join_all", "gather")
            .among(&[Ringio, Plain])
            .line(TIME.of(Ringio, Plain).bound(AtMost(0.5)))
            .line(ALLOCATIONS.of(Ringio, Plain)),
        row("select! of a channel and a timer that loses", "select")
            .line(TIME.bound(AtMost(0.5)))
            .line(ALLOCATIONS)
            .line(Line::value("SQEs / operation", "submissions").bound(AtMost(0.0))),
        row("100,000 sleeping tasks, cancelled", "cancel").line(TIME.bound(AtMost(0.5))),
        row("timeout around one wait", "timeout").line(TIME.bound(AtMost(0.3))).line(ALLOCATIONS),
    ];
    let about = "One loop on one CPU; the futures yield once. Beside a group: as many tasks, spawned and \
                 joined, on ringio (plain) and on tokio. Beside `gather`: `join_all` of the `futures` \
                 crate, in the same loop.";
    Group { name: "structured", about, rows }
}

fn row(name: &str, work: &'static str) -> Row {
    Row::new(name, move |bench, on| micro(bench, work, on))
}
