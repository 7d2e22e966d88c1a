//! Connections: how they come to be, what travels on them, how they end.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};

use super::file::{FileId, Kind, Listener, Segment, Stream};
use super::world::World;

/// What connect(2) comes to.
pub(super) enum Connected {
    Made,
    Refused,
    /// The listener's backlog is full.
    Full,
}

/// What recv(2) comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// At least one byte.
    Bytes(Vec<u8>),
    /// The other end has finished.
    End,
    /// The connection has broken, with this errno.
    Broken(i32),
    /// Nothing is there yet.
    Nothing,
}

impl World {
    pub(super) fn stream(&mut self, file: FileId) -> Option<&mut Stream> {
        match &mut self.files[file].kind {
            Kind::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    fn free_port(&mut self) -> u16 {
        self.next_port = self.next_port.checked_add(1).expect("ports are left");
        self.next_port
    }

    pub(super) fn bind(&mut self, file: FileId, address: SocketAddr) -> Result<(), i32> {
        let taken = |kind: &Kind| match kind {
            Kind::Listener(listener) => listener.address == address,
            Kind::Fresh { bound } => *bound == Some(address),
            _ => false,
        };
        if address.port() != 0 && self.files.iter().any(|file| taken(&file.kind)) {
            return Err(libc::EADDRINUSE);
        }
        let mut address = address;
        if address.port() == 0 {
            address.set_port(self.free_port());
        }
        match &mut self.files[file].kind {
            Kind::Fresh { bound: bound @ None } => *bound = Some(address),
            _ => return Err(libc::EINVAL),
        }
        Ok(())
    }

    pub(super) fn listen(&mut self, file: FileId, backlog: i32) -> Result<(), i32> {
        let Kind::Fresh { bound } = self.files[file].kind else { return Err(libc::EINVAL) };
        let address = match bound {
            Some(address) => address,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, self.free_port())),
        };
        let limit = usize::try_from(backlog).unwrap_or(0).max(1);
        let backlog = VecDeque::new();
        self.files[file].kind = Kind::Listener(Listener { address, backlog, limit });
        Ok(())
    }

    fn listener(&self, address: SocketAddr) -> Option<FileId> {
        self.files.iter().position(
            |file| matches!(&file.kind, Kind::Listener(listener) if listener.address == address),
        )
    }

    /// Whether whoever connects there has to wait for an accept.
    pub(super) fn is_full(&self, address: SocketAddr) -> bool {
        let kind = self.listener(address).map(|file| &self.files[file].kind);
        matches!(kind, Some(Kind::Listener(listener)) if listener.backlog.len() >= listener.limit)
    }

    /// Connects a fresh socket; the other end goes to the listener's backlog.
    pub(super) fn connect(&mut self, file: FileId, to: SocketAddr) -> Connected {
        let Some(listening) = self.listener(to) else { return Connected::Refused };
        let local = match self.files[file].kind {
            Kind::Fresh { bound: Some(bound) } => bound,
            _ => SocketAddr::from((Ipv4Addr::LOCALHOST, self.free_port())),
        };
        let (mut near, mut far) = (Stream::new(local, to), Stream::new(to, local));
        let other = self.files.len();
        near.peer = Some(other);
        far.peer = Some(file);
        let Kind::Listener(listener) = &mut self.files[listening].kind else {
            return Connected::Refused;
        };
        if listener.backlog.len() >= listener.limit {
            return Connected::Full;
        }
        listener.backlog.push_back(other);
        self.files[file].kind = Kind::Stream(near);
        let other = self.add(Kind::Stream(far));
        // The backlog holds it.
        self.files[other].holders = 1;
        self.seen.connections += 1;
        Connected::Made
    }

    /// Puts something on the wire to an end.
    fn put(&mut self, to: FileId, segment: Segment) {
        let Some(stream) = self.stream(to) else { return };
        let quiet = stream.wire.is_empty();
        match (stream.wire.back_mut(), segment) {
            (Some(Segment::Bytes(before)), Segment::Bytes(more)) => before.extend(more),
            (_, segment) => stream.wire.push_back(segment),
        }
        if quiet {
            self.arriving.push(to);
        }
    }

    /// Something that is on the wire arrives at its end.
    pub(super) fn deliver(&mut self) {
        self.seen.events += 1;
        self.tick(20_000);
        let place = self.rng.usize(0..self.arriving.len());
        let file = self.arriving[place];
        let part = self.rng.usize(1..=64 * 1024);
        let Some(stream) = self.stream(file) else {
            self.arriving.swap_remove(place);
            return;
        };
        match stream.wire.front_mut() {
            Some(Segment::Bytes(bytes)) => {
                let part = part.min(bytes.len());
                stream.inbound.extend(bytes.drain(..part));
                if bytes.is_empty() {
                    stream.wire.pop_front();
                }
            }
            Some(Segment::Fin) => {
                stream.finished = true;
                stream.wire.pop_front();
            }
            Some(Segment::Reset) => {
                stream.break_off(libc::ECONNRESET);
            }
            None => {}
        }
        if stream.wire.is_empty() {
            self.arriving.swap_remove(place);
        }
        if self.chance(self.faults.reset) {
            self.break_one();
        }
    }

    /// The network breaks some connection, for both ends.
    fn break_one(&mut self) {
        let connected = |kind: &Kind| matches!(kind, Kind::Stream(end) if end.peer.is_some());
        let ends: Vec<FileId> =
            (0..self.files.len()).filter(|&file| connected(&self.files[file].kind)).collect();
        if ends.is_empty() {
            return;
        }
        let file = ends[self.rng.usize(0..ends.len())];
        self.seen.resets += 1;
        let peer = self.stream(file).and_then(|stream| stream.peer);
        for end in [Some(file), peer].into_iter().flatten() {
            if let Some(stream) = self.stream(end) {
                stream.break_off(libc::ECONNRESET);
            }
            self.arriving.retain(|arriving| *arriving != end);
        }
    }

    /// recv(2) without waiting.
    pub(super) fn receive(&mut self, file: FileId, most: usize) -> Received {
        let Some(stream) = self.stream(file) else { return Received::Broken(libc::ENOTCONN) };
        let n = stream.inbound.len().min(most);
        if n > 0 {
            return Received::Bytes(stream.inbound.drain(..n).collect());
        }
        if stream.finished {
            return Received::End;
        }
        match stream.error.take() {
            Some(errno) => Received::Broken(errno),
            None if stream.reset || stream.shut_read => Received::End,
            None => Received::Nothing,
        }
    }

    /// How many bytes recv(2) would find; `Some(0)` for an end or an error, `None` for a wait.
    pub(super) fn receivable(&self, file: FileId) -> Option<usize> {
        let Kind::Stream(stream) = &self.files[file].kind else { return Some(0) };
        let over = stream.finished || stream.reset || stream.shut_read || stream.error.is_some();
        (over || !stream.inbound.is_empty()).then_some(stream.inbound.len())
    }

    /// How many bytes send(2) would take, or its errno.
    pub(super) fn sendable(&self, file: FileId) -> Result<usize, i32> {
        let Kind::Stream(stream) = &self.files[file].kind else { return Err(libc::ENOTCONN) };
        if let Some(errno) = stream.error {
            return Err(errno);
        }
        if stream.reset || stream.shut_write {
            return Err(libc::EPIPE);
        }
        let Some(Kind::Stream(peer)) = stream.peer.map(|peer| &self.files[peer].kind) else {
            return Ok(usize::MAX);
        };
        Ok(self.faults.window.saturating_sub(peer.unread()))
    }

    /// An error that send(2) has reported is not reported again.
    pub(super) fn told(&mut self, file: FileId) {
        if let Some(stream) = self.stream(file) {
            stream.error = None;
        }
    }

    /// Puts bytes, for which there is room, on the wire.
    pub(super) fn transmit(&mut self, file: FileId, bytes: &[u8]) {
        match self.stream(file).and_then(|stream| stream.peer) {
            Some(peer) => self.put(peer, Segment::Bytes(bytes.iter().copied().collect())),
            // Nobody is there any more to take them, which the sender learns later.
            None => self.put(file, Segment::Reset),
        }
    }

    /// shutdown(2).
    pub(super) fn shut(&mut self, file: FileId, how: i32) -> Result<(), i32> {
        let Some(stream) = self.stream(file) else { return Err(libc::ENOTCONN) };
        if stream.reset {
            return Err(libc::ENOTCONN);
        }
        if how != libc::SHUT_WR {
            stream.shut_read = true;
        }
        if how != libc::SHUT_RD && !std::mem::replace(&mut stream.shut_write, true) {
            let peer = stream.peer;
            peer.into_iter().for_each(|peer| self.put(peer, Segment::Fin));
        }
        Ok(())
    }

    /// Nobody refers to a file any more.
    pub(super) fn release(&mut self, file: FileId) {
        match std::mem::replace(&mut self.files[file].kind, Kind::Gone) {
            Kind::Stream(stream) => {
                self.arriving.retain(|arriving| *arriving != file);
                let abortive = stream.abortive || stream.unread() > 0;
                let Some(peer) = stream.peer else { return };
                if abortive {
                    self.put(peer, Segment::Reset);
                } else if !stream.shut_write {
                    self.put(peer, Segment::Fin);
                }
                if let Some(peer) = self.stream(peer) {
                    peer.peer = None;
                }
            }
            Kind::Listener(listener) => {
                for end in listener.backlog {
                    if let Some(stream) = self.stream(end) {
                        stream.abortive = true;
                    }
                    self.let_go(end);
                }
            }
            Kind::Fresh { .. } | Kind::Event { .. } | Kind::Gone => {}
        }
    }
}

impl Stream {
    /// A reset has come: what is under way is lost, what was received stays.
    fn break_off(&mut self, errno: i32) {
        self.wire.clear();
        self.reset = true;
        // Behind the end of the stream it is told to senders only.
        self.error = Some(if self.finished { libc::EPIPE } else { errno });
        self.peer = None;
    }
}
