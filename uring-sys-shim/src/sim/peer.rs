//! [`Peer`]: the outside end of a connection.

use std::fmt;
use std::net::SocketAddr;

use super::file::{FileId, Kind};
use super::machine::Machine;
use super::network::{Connected, Received};

/// The end of a connection that is not the program's. Dropping it closes it.
pub struct Peer {
    machine: Machine,
    end: FileId,
}

impl Peer {
    pub(super) fn connect(machine: &Machine, to: SocketAddr) -> Option<Peer> {
        let mut world = machine.world();
        let end = world.add(Kind::Fresh { bound: None });
        world.files[end].holders = 1;
        match world.connect(end, to) {
            Connected::Made => {
                drop(world);
                Some(Peer { machine: machine.clone(), end })
            }
            Connected::Refused | Connected::Full => {
                world.let_go(end);
                None
            }
        }
    }

    /// Sends as many of the bytes as there is room for; 0 also on a broken connection.
    pub fn send(&self, bytes: &[u8]) -> usize {
        let mut world = self.machine.world();
        let room = world.sendable(self.end).unwrap_or(0).min(bytes.len());
        if room > 0 {
            world.transmit(self.end, &bytes[..room]);
        }
        room
    }

    /// Receives up to `most` bytes.
    pub fn receive(&self, most: usize) -> Received {
        self.machine.world().receive(self.end, most)
    }

    /// Ends the sending direction.
    pub fn finish(&self) {
        // A broken connection has no direction left.
        let _ = self.machine.world().shut(self.end, libc::SHUT_WR);
    }

    /// Breaks the connection off.
    pub fn reset(self) {
        if let Some(stream) = self.machine.world().stream(self.end) {
            stream.abortive = true;
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.machine.world().let_go(self.end);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("end", &self.end).finish_non_exhaustive()
    }
}
