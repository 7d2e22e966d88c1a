//! Memory that is held while nothing happens.

use std::io;

use crate::child::Child;
use crate::row::Bound::AtMost;
use crate::row::{Bench, Contestant, Line, Row};
use crate::sample::Sample;

use super::Group;
use super::parts::{Server, micro};

/// Idle connections: so many where the limit of descriptors allows it, and at least so many.
const MOST: usize = 10_000;
const LEAST: usize = 1_000;
/// Those before them, for which a server takes what it needs but once.
const FIRST: usize = 100;
/// Bytes hardly vary.
const ROUNDS: usize = 3;

const HEAP: Line = Line::value("heap bytes", "heap");
const RESIDENT: Line = Line::value("resident bytes", "resident");

pub(super) fn group() -> Group {
    let row = |row: Row, bytes| {
        row.rounds(ROUNDS).line(HEAP.bound(AtMost(bytes))).line(RESIDENT.bound(AtMost(bytes)))
    };
    let rows = vec![
        row(Row::new("idle connection", idle).connections(FIRST + LEAST), 400.0),
        row(Row::new("sleeping task", |bench, on| micro(bench, "sleeping", on)), 280.0),
    ];
    let about = "Bytes in user space for each of 10,000 connections (or as many as may be) of an echo server after one \
                 message each, and for each of 100,000 sleeping tasks with its future: as asked \
                 of the allocator, and as the process has grown.";
    Group { name: "memory", about, rows }
}

fn idle(bench: &Bench, on: Contestant) -> io::Result<Sample> {
    let mut server = Server::start(bench, on, "echo", 64, None)?;
    let hold = |connections| {
        let arguments = [
            format!("--target={}", server.address),
            format!("--cpu={}", bench.machine.load_cpu()),
            format!("--connections={connections}"),
        ];
        let mut hold = Child::start("hold", arguments)?;
        hold.sample().map(|_| hold)
    };
    let _first = hold(FIRST)?;
    let before = server.child.report()?;
    let count = MOST.min(bench.machine.connections() - FIRST);
    let _more = hold(count)?;
    let grown = server.child.report()?.since(&before);
    let mut sample = Sample::default();
    sample.extend_per(count as f64, &grown);
    Ok(sample)
}
