//! [`File`]: what descriptors of the simulated kernel name.

use std::collections::VecDeque;
use std::net::SocketAddr;

pub(super) type FileId = usize;

/// An open file description.
pub(super) struct File {
    pub(super) kind: Kind,
    /// Descriptors, operations in flight and outside peers that refer to it.
    pub(super) holders: u32,
}

pub(super) enum Kind {
    /// A socket that neither listens nor is connected.
    Fresh {
        bound: Option<SocketAddr>,
    },
    Listener(Listener),
    Stream(Stream),
    /// An eventfd, with the number of writes: each is an edge.
    Event {
        edges: u64,
    },
    /// Released.
    Gone,
}

pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) backlog: VecDeque<FileId>,
    pub(super) limit: usize,
}

/// One end of a connection.
pub(super) struct Stream {
    /// `None` once the other end is gone.
    pub(super) peer: Option<FileId>,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// Bytes that were received and not read.
    pub(super) inbound: VecDeque<u8>,
    /// What is on its way to this end.
    pub(super) wire: VecDeque<Segment>,
    /// The other end has finished, behind `inbound`.
    pub(super) finished: bool,
    /// The error of a reset, until somebody was told.
    pub(super) error: Option<i32>,
    pub(super) reset: bool,
    pub(super) shut_read: bool,
    pub(super) shut_write: bool,
    /// Closing resets (`SO_LINGER` of zero).
    pub(super) abortive: bool,
}

#[derive(Debug)]
pub(super) enum Segment {
    Bytes(VecDeque<u8>),
    Fin,
    Reset,
}

impl Stream {
    pub(super) fn new(local: SocketAddr, remote: SocketAddr) -> Stream {
        Stream {
            peer: None,
            local,
            remote,
            inbound: VecDeque::new(),
            wire: VecDeque::new(),
            finished: false,
            error: None,
            reset: false,
            shut_read: false,
            shut_write: false,
            abortive: false,
        }
    }

    /// Bytes sent to this end that were not read.
    pub(super) fn unread(&self) -> usize {
        let on_wire = self.wire.iter().map(|segment| match segment {
            Segment::Bytes(bytes) => bytes.len(),
            Segment::Fin | Segment::Reset => 0,
        });
        self.inbound.len() + on_wire.sum::<usize>()
    }
}

impl Kind {
    /// For reports; `None` for what may be left open.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Kind::Fresh { bound: Some(address) } => Some(format!("a socket bound to {address}")),
            Kind::Fresh { bound: None } => Some("a socket".to_owned()),
            Kind::Listener(listener) => Some(format!("a listener on {}", listener.address)),
            Kind::Stream(end) => Some(format!("a connection from {} to {}", end.local, end.remote)),
            Kind::Event { .. } | Kind::Gone => None,
        }
    }
}
