//! Loops that wake each other, and the way through a ring.

use crate::row::Bound::{AtMost, Below};
use crate::row::Contestant::{Parking, Raw, Ringio, Tokio};
use crate::row::{Line, Row};

use super::Group;
use super::parts::micro;

const TIME: Line = Line::ratio("ns / round trip", "time");
const NO_OP: Line = Line::ratio("ns / no-op", "time").of(Ringio, Raw).bound(AtMost(1.25));

pub(super) fn group() -> Group {
    let loops = |name, work| Row::new(name, move |bench, on| micro(bench, work, on)).two_cpus();
    let rows = vec![
        loops("two loops, as they come", "loops").line(TIME.bound(AtMost(0.05))),
        Row::new("two loops, busy, to tokio's as they come", |bench, on| {
            micro(bench, if on == Tokio { "loops" } else { "loops-busy" }, on)
        })
        .two_cpus()
        .line(TIME.bound(AtMost(0.05))),
        loops("two loops, busy, to tokio's that are busy", "loops-busy")
            .line(TIME.bound(Below(1.0))),
        loops("two loops, parked", "loops")
            .among(&[Parking, Tokio])
            .line(TIME.of(Parking, Tokio).bound(AtMost(0.75))),
        no_op("no-op through the ring, 1 in flight", "nop-one"),
        no_op("no-op through the ring, 64 in flight", "nop-many"),
    ];
    let about = "Two loops on two CPUs, which send each other a number through the channel that \
                 the runtime comes with; busy ones have another task that yields all the time, parked ones \
                 do not spin. No-ops: against a loop on the `io-uring` crate.";
    Group { name: "rings", about, rows }
}

fn no_op(name: &str, work: &'static str) -> Row {
    Row::new(name, move |bench, on| micro(bench, work, on)).among(&[Ringio, Raw]).line(NO_OP)
}
