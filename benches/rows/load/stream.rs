//! Connections that only send, as much as they can.

use std::io::{self, Write};
use std::time::Instant;

use clap::Args;

use crate::control;
use crate::slice::Step;

use super::poller::{Events, Interest, Poller, unless_blocked};
use super::target::Target;

/// Bytes of a write, and what is counted.
const MEBIBYTE: usize = 1024 * 1024;

/// One way: each connection writes 1 MiB at a time, and what is not taken later.
#[derive(Args, Debug)]
pub(crate) struct Stream {
    #[command(flatten)]
    target: Target,
    #[arg(long)]
    connections: usize,
}

impl Stream {
    pub(crate) fn run(self) -> io::Result<()> {
        self.target.pin()?;
        let (poller, mut events) = (Poller::new()?, Events::default());
        let mut sockets = self.target.connect_all(self.connections)?;
        for (index, socket) in sockets.iter().enumerate() {
            poller.add(socket, index, Interest::Write)?;
        }
        let block = vec![0x5a; MEBIBYTE];
        let mut watch = self.target.watch();
        let mut sent = 0;
        loop {
            match watch.step(Instant::now())? {
                Step::Go => {}
                Step::Begin => sent = 0,
                Step::End => break,
            }
            for index in poller.wait(&mut events)? {
                sent += unless_blocked(sockets[index].write(&block))?.unwrap_or(0);
            }
        }
        control::say(&watch.sample(sent as f64 / MEBIBYTE as f64))
    }
}
