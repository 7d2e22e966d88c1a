//! A server that has little to do.

use crate::row::Bound::AtMost;
use crate::row::Contestant::{Parking, Ringio, Tokio};
use crate::row::{Line, Row};

use super::Group;
use super::parts::Server;

const SPIN: Line = Line::ratio("core share ÷ spin off", "share").of(Ringio, Parking);
const SHARE: Line = Line::ratio("core share", "share");
const P50: Line = Line::ratio("p50 µs", "p50");
const NONE: Line = Line::value("core share", "share").bound(AtMost(0.0));
const NONE_PARKING: Line = Line { title: "core share, spin off", ..NONE.of(Parking, Tokio) };

pub(super) fn group() -> Group {
    let spin = SPIN.bound(AtMost(1.15));
    let rows = vec![
        paced("one request / 50 µs", Some(50)).line(SPIN).line(SHARE).line(P50),
        paced("one request / 150 µs", Some(150)).line(spin).line(SHARE).line(P50),
        paced("one request / 1 ms", Some(1_000)).line(spin).line(SHARE).line(P50),
        paced("one request / 10 ms", Some(10_000)).line(spin).line(SHARE).line(P50),
        paced("no request", None).line(NONE).line(NONE_PARKING),
    ];
    let about = "The echo server with one connection that sends at a pace: the part of a core that \
                 it uses, as it comes, and with `Builder::spin(Duration::ZERO)`.";
    Group { name: "paced", about, rows }
}

fn paced(name: &str, interval: Option<u64>) -> Row {
    Row::new(format!("paced, {name}"), move |bench, on| {
        let server = Server::start(bench, on, "echo", 64, None)?;
        let more = interval.map(|micros| format!("--interval={micros}"));
        let mut load = server.load(bench, "pace", bench.slice, more)?;
        load.warm()?;
        load.sample()
    })
    .among(&[Ringio, Parking, Tokio])
    .connections(1)
}
