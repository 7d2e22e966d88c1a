//! A server whose connections come and go.

use crate::row::Bound::AtLeast;
use crate::row::{Line, Row};

use super::Group;
use super::parts::{self, Server};

const CONNECTIONS: usize = 32;
const PER_CPU: Line = Line::ratio("connections / CPU s", "per-cpu-second");
const RATE: Line = Line::ratio("connections / s", "rate");

pub(super) fn group() -> Group {
    let row = Row::new("accept, one request, close", |bench, on| {
        let mut server = Server::start(bench, on, "once", 64, None)?;
        let more = [format!("--connections={CONNECTIONS}")];
        let mut load = server.load(bench, "churn", bench.slice, more)?;
        parts::sample(&mut server, &mut load)
    });
    let row = row.connections(CONNECTIONS).line(PER_CPU.bound(AtLeast(1.0))).line(RATE);
    let about = "A server that accepts, answers one request and closes; 32 clients at a time.";
    Group { name: "accept", about, rows: vec![row] }
}
