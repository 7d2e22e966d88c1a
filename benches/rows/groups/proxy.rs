//! A proxy: `copy_bidirectional` on both.

use std::io;

use crate::child::Child;
use crate::row::Bound::{AtMost, Below};
use crate::row::{Bench, Bound, Contestant, Line, Row};

use super::Group;
use super::echo::size;
use super::parts::{self, Server};

const CPU: Line = Line::ratio("CPU µs / request", "cpu");
const RATE: Line = Line::ratio("requests / s", "rate");
const STREAM_CPU: Line = Line::ratio("CPU µs / MiB", "cpu");
const STREAM_RATE: Line = Line::ratio("MiB / s", "rate");

/// Connections of the stream, and the bytes of their writes.
const STREAMS: usize = 8;
const BLOCK: usize = 1024 * 1024;

pub(super) fn group() -> Group {
    let of = |connections, bytes, cpu: Bound| {
        exchange(connections, bytes).line(CPU.bound(cpu)).line(RATE)
    };
    let rows = vec![
        of(50, 64, Below(1.0)),
        of(50, 512, Below(1.0)),
        of(500, 64, Below(1.0)),
        of(50, 64 * 1024, AtMost(0.85)),
        stream().line(STREAM_CPU.bound(AtMost(0.5))).line(STREAM_RATE),
    ];
    let about = "A proxy on one CPU; clients and an upstream that echoes, or for the stream only \
                 receives, on another. `copy_bidirectional` on both sides; tokio's gets buffers of \
                 64 KiB where messages are larger than its own.";
    Group { name: "proxy", about, rows }
}

fn exchange(connections: usize, bytes: usize) -> Row {
    Row::new(format!("proxy {connections}×{}", size(bytes)), move |bench, on| {
        let (mut server, _upstream) = proxy(bench, on, bytes, false)?;
        let more = [format!("--connections={connections}"), format!("--bytes={bytes}")];
        let mut load = server.load(bench, "exchange", bench.slice, more)?;
        parts::sample(&mut server, &mut load)
    })
    .connections(2 * connections)
}

fn stream() -> Row {
    Row::new(format!("proxy stream, {STREAMS} clients"), |bench, on| {
        let (mut server, _upstream) = proxy(bench, on, BLOCK, true)?;
        let more = [format!("--connections={STREAMS}")];
        let mut load = server.load(bench, "stream", bench.slice, more)?;
        parts::sample(&mut server, &mut load)
    })
    .connections(2 * STREAMS)
}

/// The upstream ends first, and by resets, so that no port of the proxy waits for anything.
fn proxy(bench: &Bench, on: Contestant, bytes: usize, sink: bool) -> io::Result<(Server, Child)> {
    let cpu = [format!("--cpu={}", bench.machine.load_cpu())];
    let arguments = cpu.into_iter().chain(sink.then(|| "--sink".to_owned()));
    let mut upstream = Child::start("upstream", arguments)?;
    let address = upstream.listening()?;
    Ok((Server::start(bench, on, "proxy", bytes, Some(address))?, upstream))
}
