//! The queue, beside channels of other crates.

use crate::row::Bound::AtMost;
use crate::row::Contestant::{self, AsyncChannel, LocalSync, Ringio, Tokio};
use crate::row::{Line, Row};

use super::Group;
use super::parts::micro;

const TIME: Line = Line::ratio("ns / operation", "time");
const ALLOCATIONS: Line =
    Line::value("allocations / operation", "allocations").bound(AtMost(0.001));

pub(super) fn group() -> Group {
    let all = [Ringio, Tokio, AsyncChannel, LocalSync];
    let rows = vec![
        row("put and get, room for 16", "put-get", 0.5, &all).line(ALLOCATIONS),
        row("there and back between two tasks", "two-queues", 0.17, &all).line(ALLOCATIONS),
        row("1,000 through room for 16, two tasks", "stream", 0.5, &all[..3]),
    ];
    let about = "One loop on one CPU. Everybody has bounded channels; tokio's are its `mpsc`, on its \
                 current-thread runtime, those of other crates are on ringio's loop. Only ringio's \
                 queue and `local-sync` keep to one thread; `local-sync` panics when a sender that \
                 waits is dropped, and so is not in the last row.";
    Group { name: "queue", about, rows }
}

/// The bound is for the ratio to tokio.
fn row(name: &str, work: &'static str, bound: f64, among: &[Contestant]) -> Row {
    let mut row = Row::new(name, move |bench, on| micro(bench, work, on))
        .among(among)
        .line(Line { title: "ns, to tokio", ..TIME }.bound(AtMost(bound)));
    let others = [("ns, to async-channel", AsyncChannel), ("ns, to local-sync", LocalSync)];
    for (title, other) in others.into_iter().filter(|(_, other)| among.contains(other)) {
        row = row.line(Line { title, ..TIME.of(Ringio, other) });
    }
    row
}
