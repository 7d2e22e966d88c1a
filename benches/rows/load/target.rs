//! Whom a load is put on.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;
use socket2::SockRef;

use crate::machine;
use crate::slice::{Slice, Watch};

/// The server, and where the load runs.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Target {
    #[arg(long)]
    target: SocketAddr,
    /// The server's process, for its CPU time.
    #[arg(long)]
    pid: u32,
    /// The load's CPU.
    #[arg(long)]
    cpu: usize,
    #[command(flatten)]
    slice: Slice,
}

impl Target {
    pub(super) fn pin(&self) -> io::Result<()> {
        machine::pin(self.cpu)
    }

    pub(super) fn connect(&self) -> io::Result<TcpStream> {
        connect(self.target)
    }

    /// Connections that do not block.
    pub(super) fn connect_all(&self, count: usize) -> io::Result<Vec<TcpStream>> {
        let connect = |_| {
            let socket = self.connect()?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        (0..count).map(connect).collect()
    }

    /// The warm-up begins.
    pub(super) fn watch(&self) -> Watch {
        Watch::new(self.pid, self.slice)
    }
}

/// A connection without delays, whose end leaves nothing behind in the kernel.
pub(super) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(to)?;
    socket.set_nodelay(true)?;
    end_by_reset(&socket)?;
    Ok(socket)
}

/// The numbers of ports are few, and one that waits in TIME_WAIT is taken for a minute.
pub(super) fn end_by_reset(socket: &TcpStream) -> io::Result<()> {
    SockRef::from(socket).set_linger(Some(Duration::ZERO))
}
