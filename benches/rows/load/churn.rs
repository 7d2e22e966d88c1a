//! Connections that come and go.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use clap::Args;

use crate::control;
use crate::slice::Step;

use super::poller::{Events, Interest, Poller, unless_blocked};
use super::target::Target;

const BYTES: usize = 64;

/// Each connection sends one request and ends when the server, having answered, has closed.
#[derive(Args, Debug)]
pub(crate) struct Churn {
    #[command(flatten)]
    target: Target,
    /// Connections at a time.
    #[arg(long)]
    connections: usize,
}

impl Churn {
    pub(crate) fn run(self) -> io::Result<()> {
        self.target.pin()?;
        let (poller, mut events) = (Poller::new()?, Events::default());
        let mut callers = Vec::with_capacity(self.connections);
        for index in 0..self.connections {
            callers.push(self.call(&poller, index)?);
        }
        let mut watch = self.target.watch();
        let mut served = 0_u64;
        let mut room = [0; 2 * BYTES];
        loop {
            match watch.step(Instant::now())? {
                Step::Go => {}
                Step::Begin => served = 0,
                Step::End => break,
            }
            for index in poller.wait(&mut events)? {
                let caller = &mut callers[index];
                match unless_blocked(caller.socket.read(&mut room))? {
                    None => {}
                    Some(0) if caller.came == BYTES => {
                        *caller = self.call(&poller, index)?;
                        served += 1;
                    }
                    Some(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Some(came) => caller.came += came,
                }
            }
        }
        control::say(&watch.sample(served as f64))
    }

    /// On loopback a connection is there at once.
    fn call(&self, poller: &Poller, index: usize) -> io::Result<Caller> {
        let mut socket = self.target.connect()?;
        socket.write_all(&[0x5a; BYTES])?;
        socket.set_nonblocking(true)?;
        poller.add(&socket, index, Interest::Read)?;
        Ok(Caller { socket, came: 0 })
    }
}

struct Caller {
    socket: TcpStream,
    /// Bytes of the answer.
    came: usize,
}
