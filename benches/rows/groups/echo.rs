//! An echo server, under closed loops.

use crate::row::Bound::{AtLeast, AtMost, Below};
use crate::row::Contestant::{Raw, Ringio, Tokio};
use crate::row::{Bound, Line, Row};

use super::Group;
use super::parts::{self, Server};

const CPU: Line = Line::ratio("CPU µs / request", "cpu");
/// Against a loop without a runtime.
const FLOOR: Line = Line::ratio("the same, to a loop", "cpu").of(Ringio, Raw);
const RATE: Line = Line::ratio("requests / s", "rate");
const P50: Line = Line::ratio("p50 µs", "p50");
const P99: Line = Line::ratio("p99 µs", "p99");
const ENTERS: Line = Line::value("enters / request", "enters");
const ALLOCATIONS: Line = Line::value("allocations / request", "allocations");

pub(super) fn group() -> Group {
    let of = |connections, bytes, cpu: Bound| {
        // The loop has to be written anew for each of its uses; we may cost a little more.
        let floor = AtMost(if bytes < 16 * 1024 { 1.05 } else { 1.07 });
        echo(connections, bytes, 1)
            .among(&[Ringio, Tokio, Raw])
            .line(CPU.bound(cpu))
            .line(FLOOR.bound(floor))
            .line(RATE)
    };
    let rows = vec![
        echo(1, 64, 1)
            .line(RATE.bound(AtLeast(2.4)))
            .line(P50.bound(AtMost(0.45)))
            .line(CPU.bound(AtMost(0.95))),
        of(50, 64, Below(1.0))
            .line(P99)
            .line(ENTERS.bound(AtMost(0.05)))
            .line(ALLOCATIONS.bound(AtMost(0.001))),
        of(500, 64, Below(1.0)).line(P99),
        of(5000, 64, AtMost(0.88)).line(P99),
        of(50, 1024, Below(1.0)),
        of(500, 1024, Below(1.0)),
        of(5000, 1024, AtMost(0.88)),
        of(500, 16 * 1024, AtMost(1.0)),
        of(50, 64 * 1024, AtMost(1.0)),
        of(500, 64 * 1024, AtMost(0.9)),
        echo(50, 64, 16).line(CPU.bound(AtMost(1.0))).line(RATE),
    ];
    let about = "An echo server on one CPU, the load on another. Each connection sends a message, \
                 waits for the whole echo, and sends the next one.";
    Group { name: "echo", about, rows }
}

fn echo(connections: usize, bytes: usize, window: usize) -> Row {
    let pipelined = if window > 1 { format!(", {window} at a time") } else { String::new() };
    let name = format!("echo {connections}×{}{pipelined}", size(bytes));
    Row::new(name, move |bench, on| {
        let mut server = Server::start(bench, on, "echo", bytes * window, None)?;
        let more = [
            format!("--connections={connections}"),
            format!("--bytes={bytes}"),
            format!("--window={window}"),
        ];
        let mut load = server.load(bench, "exchange", bench.slice, more)?;
        parts::sample(&mut server, &mut load)
    })
    .connections(connections)
}

/// As people write it.
pub(super) fn size(bytes: usize) -> String {
    if bytes < 1024 { bytes.to_string() } else { format!("{}K", bytes / 1024) }
}
