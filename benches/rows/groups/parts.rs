//! Children that many rows start.

use std::io;
use std::net::SocketAddr;

use crate::child::Child;
use crate::row::{Bench, Contestant};
use crate::sample::Sample;
use crate::slice::Slice;

/// A server on its CPU, and where it listens.
pub(super) struct Server {
    pub(super) child: Child,
    pub(super) address: SocketAddr,
}

impl Server {
    pub(super) fn start(
        bench: &Bench,
        on: Contestant,
        service: &str,
        bytes: usize,
        upstream: Option<SocketAddr>,
    ) -> io::Result<Server> {
        let cpu = bench.machine.server_cpu();
        let mut arguments = vec![
            on.argument(),
            format!("--service={service}"),
            format!("--cpu={cpu}"),
            format!("--bytes={bytes}"),
        ];
        arguments.extend(upstream.map(|upstream| format!("--upstream={upstream}")));
        let mut child = Child::start("serve", arguments)?;
        let address = child.listening()?;
        Ok(Server { child, address })
    }

    /// A load on it that has begun its warm-up.
    pub(super) fn load(
        &self,
        bench: &Bench,
        part: &'static str,
        slice: Slice,
        more: impl IntoIterator<Item = String>,
    ) -> io::Result<Child> {
        let whom = [
            format!("--target={}", self.address),
            format!("--pid={}", self.child.pid()),
            format!("--cpu={}", bench.machine.load_cpu()),
        ];
        Child::start(part, whom.into_iter().chain(slice.arguments()).chain(more))
    }
}

/// What a load has found; and what the server has counted meanwhile, for each of what the load
/// counts.
pub(super) fn sample(server: &mut Server, load: &mut Child) -> io::Result<Sample> {
    load.warm()?;
    let before = server.child.report()?;
    let mut sample = load.sample()?;
    let counted = server.child.report()?.since(&before);
    if let Some(count) = sample.get("count").filter(|count| *count > 0.0) {
        sample.extend_per(count, &counted);
    }
    Ok(sample)
}

/// What a contestant does by itself.
pub(super) fn micro(bench: &Bench, work: &str, on: Contestant) -> io::Result<Sample> {
    // Operations are many more than requests.
    let slice = Slice { warm_up: bench.slice.warm_up / 2, length: bench.slice.length / 2 };
    let cpus: Vec<String> = bench.machine.cpus.iter().take(2).map(usize::to_string).collect();
    let what = [format!("--work={work}"), on.argument(), format!("--cpus={}", cpus.join(","))];
    Child::start("micro", what.into_iter().chain(slice.arguments()))?.sample()
}
