//! The servers under test, each as a good user of its runtime would write it: one loop, one task
//! for each connection; and what is left without a runtime.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use clap::{Args, ValueEnum};
use socket2::{Domain, Socket, Type};

use crate::machine;
use crate::row::Contestant;

mod on_raw;
mod on_ringio;
mod on_tokio;

/// Connections that the kernel keeps ready for `accept`.
const BACKLOG: u32 = 4096;

/// What a server does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Sends back what comes, until the end.
    Echo,
    /// Sends back what comes first, and closes.
    Once,
    /// Copies both ways, to and from a connection to the upstream.
    Proxy,
}

/// A contestant that serves connections.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[arg(long)]
    on: Contestant,
    #[arg(long)]
    service: Service,
    #[arg(long)]
    cpu: usize,
    /// Bytes of the messages that will come.
    #[arg(long)]
    bytes: usize,
    /// What is behind a proxy.
    #[arg(long, required_if_eq("service", "proxy"))]
    upstream: Option<SocketAddr>,
}

impl Serve {
    /// Says where it listens, and serves until the parent ends it.
    pub(crate) fn run(self) -> io::Result<()> {
        machine::pin(self.cpu)?;
        match self.on {
            Contestant::Ringio | Contestant::Parking => on_ringio::run(&self),
            Contestant::Tokio => on_tokio::run(&self),
            Contestant::Raw => on_raw::run(&self),
            _ => Err(io::Error::other("there is no such server")),
        }
    }

    fn upstream(&self) -> io::Result<SocketAddr> {
        self.upstream.ok_or_else(|| io::Error::other("a proxy needs an upstream"))
    }
}

/// Accepted sockets inherit `TCP_NODELAY` from it.
fn listen() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG as i32)?;
    Ok(socket)
}
