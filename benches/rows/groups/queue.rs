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
        row("put and get, room for 16", "put-get", [0.5; 3], &all).line(ALLOCATIONS),
        row("there and back between two tasks", "two-queues", [0.17, 1.0, 1.0], &all)
            .line(ALLOCATIONS),
        row("1,000 through room for 16, two tasks", "stream", [0.5; 3], &all[..3])
            .line(ALLOCATIONS),
    ];
    let about = "One loop on one CPU. Everybody has bounded channels; tokio's are its `mpsc`, on its \
                 current-thread runtime, those of other crates are on ringio's loop. Only ringio's \
                 queue and `local-sync` keep to one thread; `local-sync` panics when a sender that \
                 waits is dropped, and so is not in the last row.";
    Group { name: "queue", about, rows }
}

/// With a bound for the ratio to each of the others.
fn row(name: &str, work: &'static str, bounds: [f64; 3], among: &[Contestant]) -> Row {
    let others = [
        ("ns, to tokio", Tokio),
        ("ns, to async-channel", AsyncChannel),
        ("ns, to local-sync", LocalSync),
    ];
    let row = Row::new(name, move |bench, on| micro(bench, work, on)).among(among);
    let lines = others.into_iter().zip(bounds).filter(|((_, other), _)| among.contains(other));
    lines.fold(row, |row, ((title, other), bound)| {
        row.line(Line { title, ..TIME.of(Ringio, other) }.bound(AtMost(bound)))
    })
}
