//! What is behind a proxy.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use clap::Args;
use socket2::SockRef;

use crate::machine;

use super::poller::{Events, Interest, Poller, unless_blocked};
use super::target::end_by_reset;

/// Room for what is received at once.
const ROOM: usize = 256 * 1024;
/// Connections that the kernel keeps ready for `accept`.
const BACKLOG: i32 = 4096;
/// The index of the listener.
const LISTENER: usize = usize::MAX;

/// Sends back what it receives, or drops it.
#[derive(Args, Debug)]
pub(crate) struct Upstream {
    #[arg(long)]
    cpu: usize,
    /// Send nothing back.
    #[arg(long)]
    sink: bool,
}

impl Upstream {
    /// Says where it listens, and serves until the parent ends it.
    pub(crate) fn run(self) -> io::Result<()> {
        machine::pin(self.cpu)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // More than the standard library asks for: the load shares this CPU and may come first.
        SockRef::from(&listener).listen(BACKLOG)?;
        println!("{}", listener.local_addr()?);
        let (poller, mut events) = (Poller::new()?, Events::default());
        poller.add(&listener, LISTENER, Interest::Read)?;
        let mut peers: Vec<Option<Peer>> = Vec::new();
        let mut room = vec![0; ROOM];
        loop {
            for index in poller.wait(&mut events)? {
                if index == LISTENER {
                    let socket = listener.accept()?.0;
                    poller.add(&socket, peers.len(), Interest::Read)?;
                    peers.push(Some(Peer::new(socket)?));
                    continue;
                }
                let peer = peers[index].as_mut().expect("it is closed when it is taken out");
                let lives = match self.sink {
                    true => peer.drain(&mut room),
                    false => peer.echo(index, &poller, &mut room),
                };
                // How a connection ends is the proxy's affair.
                if !lives.unwrap_or(false) {
                    peers[index] = None;
                }
            }
        }
    }
}

struct Peer {
    socket: TcpStream,
    /// What the socket has not taken yet. Meanwhile nothing is received.
    owed: Vec<u8>,
}

impl Peer {
    fn new(socket: TcpStream) -> io::Result<Peer> {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        end_by_reset(&socket)?;
        Ok(Peer { socket, owed: Vec::new() })
    }

    /// Whether the connection goes on.
    fn drain(&mut self, room: &mut [u8]) -> io::Result<bool> {
        Ok(unless_blocked(self.socket.read(room))? != Some(0))
    }

    /// Whether the connection goes on.
    fn echo(&mut self, index: usize, poller: &Poller, room: &mut [u8]) -> io::Result<bool> {
        if !self.owed.is_empty() {
            let sent = unless_blocked(self.socket.write(&self.owed))?.unwrap_or(0);
            self.owed.drain(..sent);
            if self.owed.is_empty() {
                poller.change(&self.socket, index, Interest::Read)?;
            }
            return Ok(true);
        }
        let Some(came) = unless_blocked(self.socket.read(room))? else { return Ok(true) };
        let sent = unless_blocked(self.socket.write(&room[..came]))?.unwrap_or(0);
        if sent < came {
            self.owed.extend_from_slice(&room[sent..came]);
            poller.change(&self.socket, index, Interest::Write)?;
        }
        Ok(came > 0)
    }
}
