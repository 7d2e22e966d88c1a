//! A TCP proxy on ringio, measured against the same proxy on tokio.
//!
//! ```text
//! cargo run --release --example proxy    # the comparison, on loopback, in under a minute
//! cargo run --release --example proxy -- --listen 127.0.0.1:7000 --upstream 127.0.0.1:8000
//! ```
//!
//! `proxy.rs` is the proxy; the rest measures it. With `CI` in the environment the comparison is
//! short.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use ringio::Cores;

mod child;
mod compare;
mod load;
mod machine;
mod open;
mod peer;
mod proxy;
mod report;
mod sample;
mod upstream;

use compare::Runtime;
use proxy::Proxy;

/// A TCP proxy on ringio; without arguments it is measured against the same proxy on tokio.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    /// Accept clients on this address until Ctrl-C.
    #[arg(long, value_name = "ADDR", requires = "upstream")]
    listen: Option<SocketAddr>,
    /// Forward each client to this address.
    #[arg(long, value_name = "ADDR", requires = "listen")]
    upstream: Option<SocketAddr>,
    /// How many cores take part; all of them unless told.
    #[arg(long, value_name = "N", requires = "listen")]
    cores: Option<usize>,
    /// Seconds that open connections may go on after Ctrl-C; a second Ctrl-C ends them at once.
    #[arg(long, value_name = "SECS", default_value_t = 10)]
    drain: u64,
    /// For benchmarks: one unpinned loop on this port of 127.0.0.1.
    #[arg(long, requires = "backend", conflicts_with = "listen")]
    port: Option<u16>,
    /// For benchmarks: the upstream's port on 127.0.0.1.
    #[arg(long, value_name = "PORT", requires = "port")]
    backend: Option<u16>,
    /// Accepted for benchmarks; the loop's own buffers need no hint.
    #[arg(long = "size", value_name = "BYTES")]
    _size: Option<usize>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What a child of the comparison does. It ends with its standard input, and so with its parent.
#[derive(Debug, Subcommand)]
enum Part {
    /// A contestant.
    #[command(hide = true)]
    Serve {
        #[arg(long)]
        runtime: Runtime,
        #[arg(long)]
        upstream: SocketAddr,
        #[arg(long, value_delimiter = ',')]
        cpus: Vec<usize>,
    },
    /// The echo server behind the contestants.
    #[command(hide = true)]
    Upstream {
        #[arg(long, value_delimiter = ',')]
        cpus: Vec<usize>,
    },
    /// The clients in front of them.
    #[command(hide = true)]
    Load(load::Load),
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> io::Result<()> {
    let drain = Duration::from_secs(args.drain);
    if let Some(part) = args.part {
        return take_part(part);
    }
    if let (Some(listen), Some(upstream)) = (args.listen, args.upstream) {
        machine::raise_descriptor_limit()?;
        let cores = args.cores.map_or_else(Cores::all, Cores::count);
        return Proxy { upstream, drain }.run(listen, cores);
    }
    if let (Some(port), Some(backend)) = (args.port, args.backend) {
        machine::raise_descriptor_limit()?;
        let [listen, upstream] = [port, backend].map(|port| (Ipv4Addr::LOCALHOST, port).into());
        return Proxy { upstream, drain }.run(listen, Cores::count(1).pin(false));
    }
    compare::run()
}

fn take_part(part: Part) -> io::Result<()> {
    child::end_with_parent();
    machine::raise_descriptor_limit()?;
    let any_port = (Ipv4Addr::LOCALHOST, 0).into();
    match part {
        Part::Serve { runtime: Runtime::Ringio, upstream, cpus } => {
            Proxy { upstream, drain: Duration::ZERO }.run(any_port, Cores::list(cpus))
        }
        Part::Serve { runtime: Runtime::Tokio, upstream, cpus } => {
            peer::run(any_port, upstream, &cpus)
        }
        Part::Upstream { cpus } => upstream::run(any_port, &cpus),
        Part::Load(load) => {
            println!("{}", load.run()?);
            Ok(())
        }
    }
}
