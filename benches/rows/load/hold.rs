//! Connections that are only there.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use clap::Args;

use crate::sample::Sample;
use crate::{control, machine};

use super::target::connect;

const BYTES: usize = 64;

/// Connections that have each sent one message and got its echo.
#[derive(Args, Debug)]
pub(crate) struct Hold {
    #[arg(long)]
    target: SocketAddr,
    #[arg(long)]
    cpu: usize,
    #[arg(long)]
    connections: usize,
}

impl Hold {
    pub(crate) fn run(self) -> io::Result<()> {
        machine::pin(self.cpu)?;
        let connect = |_| {
            let mut socket = connect(self.target)?;
            socket.write_all(&[0x5a; BYTES])?;
            socket.read_exact(&mut [0; BYTES])?;
            Ok(socket)
        };
        let sockets: io::Result<Vec<TcpStream>> = (0..self.connections).map(connect).collect();
        let held = sockets?;
        control::say(&Sample::default().with("count", held.len() as f64))
    }
}
