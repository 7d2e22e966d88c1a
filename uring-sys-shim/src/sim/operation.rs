//! [`Op`]: an operation in flight, and what it comes to when it is tried.

use std::net::SocketAddr;

use io_uring::{opcode, squeue};

use super::file::{FileId, Kind};
use super::group::Groups;
use super::memory::Lent;
use super::network::{Connected, Received};
use super::world::World;
use crate::sqe::Sqe;

/// In `ioprio`: of an accept and of a receive.
const ACCEPT_MULTISHOT: u16 = 1 << 0;
const RECV_MULTISHOT: u16 = 1 << 1;
/// Of a send.
const SEND_VECTORIZED: u16 = 1 << 5;
/// `IORING_CQE_F_SOCK_NONEMPTY`.
const SOCK_NONEMPTY: u32 = 4;

/// An operation that the kernel has taken in and not completed.
pub(super) struct Op {
    pub(super) sqe: Sqe,
    /// What `sqe.fd` named when it was submitted.
    pub(super) file: Option<FileId>,
    /// Counts the operations of all rings.
    pub(super) serial: u64,
    /// Where a receive writes, and what a send reads.
    pub(super) target: Option<Lent>,
    pieces: Vec<Lent>,
    /// Where it connects or binds to.
    address: Option<SocketAddr>,
    /// Where an accept writes whose the connection is, and the room there with its length.
    peer: Option<(Lent, Lent)>,
    /// Of the pieces, when they were submitted.
    hash: u64,
    /// Bytes moved, or edges reported.
    pub(super) done: usize,
    /// How many more tries a cancelled operation has.
    pub(super) cancelled: Option<u32>,
    /// It never ends.
    pub(super) stuck: bool,
}

/// What a try comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Parked,
    /// A completion that is not the last one.
    More(i32, u32),
    Done(i32, u32),
}

use Outcome::{Done, More, Parked};

impl Op {
    /// `memory` makes something of an address and a length in the SQE.
    pub(super) fn new(
        sqe: Sqe,
        file: Option<FileId>,
        serial: u64,
        memory: impl Fn(u64, usize) -> Lent,
    ) -> Op {
        let len = sqe.len as usize;
        let target = target(&sqe).map(|(address, len)| memory(address, len));
        let (mut pieces, mut address, mut peer) = (Vec::new(), None, None);
        match sqe.opcode {
            opcode::Send::CODE if sqe.ioprio & SEND_VECTORIZED != 0 => {
                pieces = memory(sqe.addr, len * size_of::<libc::iovec>()).slices();
            }
            opcode::Send::CODE => pieces = vec![memory(sqe.addr, len)],
            opcode::SendMsg::CODE => {
                pieces = memory(sqe.addr, size_of::<libc::msghdr>()).message();
            }
            opcode::Connect::CODE | opcode::Bind::CODE => {
                address = memory(sqe.addr, sqe.off as usize).socket_address().inet();
            }
            opcode::Accept::CODE if sqe.addr != 0 => {
                let len = memory(sqe.off, size_of::<libc::socklen_t>());
                peer = Some((memory(sqe.addr, len.as_length()), len));
            }
            _ => {}
        }
        let hash = hash(&pieces);
        Op {
            sqe,
            file,
            serial,
            target,
            pieces,
            address,
            peer,
            hash,
            done: 0,
            cancelled: None,
            stuck: false,
        }
    }

    /// Whether it completes while it is submitted, in any case.
    pub(super) fn is_immediate(&self) -> bool {
        matches!(
            self.sqe.opcode,
            opcode::Nop::CODE
                | opcode::Socket::CODE
                | opcode::Bind::CODE
                | opcode::Listen::CODE
                | opcode::UringCmd16::CODE
                | opcode::Close::CODE
                | opcode::AsyncCancel::CODE
                | opcode::MsgRingData::CODE
        )
    }

    /// Whether a worker thread of the kernel does it, so that it cannot be cancelled.
    pub(super) fn is_on_worker(&self) -> bool {
        self.sqe.opcode == opcode::Shutdown::CODE
    }

    /// Whether a completion with `F_MORE` says that it goes on.
    pub(super) fn is_multishot(&self) -> bool {
        match self.sqe.opcode {
            opcode::Accept::CODE => self.sqe.ioprio & ACCEPT_MULTISHOT != 0,
            opcode::Recv::CODE => self.sqe.ioprio & RECV_MULTISHOT != 0,
            opcode::PollAdd::CODE => self.sqe.len != 0,
            _ => false,
        }
    }

    /// Whether a try would come to something.
    pub(super) fn is_ready(&self, world: &World) -> bool {
        let file = self.file;
        let ready = match (self.sqe.opcode, file.map(|file| &world.files[file].kind)) {
            (opcode::Accept::CODE, Some(Kind::Listener(listener))) => !listener.backlog.is_empty(),
            (opcode::Recv::CODE, Some(Kind::Stream(_))) => {
                file.is_some_and(|file| world.receivable(file).is_some())
            }
            (opcode::Send::CODE | opcode::SendMsg::CODE, Some(Kind::Stream(_))) => {
                file.is_some_and(|file| world.sendable(file) != Ok(0))
            }
            (opcode::Connect::CODE, Some(Kind::Fresh { .. })) => {
                self.address.is_none_or(|address| !world.is_full(address))
            }
            (opcode::PollAdd::CODE, Some(Kind::Event { edges })) => *edges > self.done as u64,
            _ => true,
        };
        !self.stuck && (ready || self.cancelled.is_some())
    }

    /// The memory that it reads is as it was.
    pub(super) fn check(&self, world: &mut World) {
        let hash = hash(&self.pieces);
        if hash != self.hash {
            world.fail(format!("what is sent was changed before its completion: {:?}", self.sqe));
        }
        if let Some(target) = self.target
            && !target.part(self.done, usize::MAX).is_poisoned()
        {
            let sqe = self.sqe;
            world.fail(format!("a receive's memory was touched before its completion: {sqe:?}"));
        }
    }

    /// [`Op::check`] of an operation that ends, whose memory was written to if it received.
    pub(super) fn check_unless_moved(&self, world: &mut World, res: i32) {
        if self.target.is_none() || res <= 0 {
            self.check(world);
        }
    }

    /// Whether it reads some of these bytes.
    pub(super) fn reads(&self, memory: Lent) -> bool {
        self.pieces.iter().any(|piece| piece.overlaps(memory))
    }

    pub(super) fn attempt(&mut self, world: &mut World, groups: &mut Groups) -> Outcome {
        match self.sqe.opcode {
            opcode::Nop::CODE => Done(0, 0),
            opcode::Accept::CODE => self.accept(world),
            opcode::Connect::CODE => self.connect(world),
            opcode::Recv::CODE => self.receive(world, groups),
            opcode::Send::CODE | opcode::SendMsg::CODE => self.send(world),
            opcode::Socket::CODE => {
                let file = world.add(Kind::Fresh { bound: None });
                Done(world.install(file), 0)
            }
            opcode::Bind::CODE => on_file(self.file, |file| match self.address {
                Some(address) => world.bind(file, address),
                None => Err(libc::EAFNOSUPPORT),
            }),
            opcode::Listen::CODE => {
                on_file(self.file, |file| world.listen(file, self.sqe.len as i32))
            }
            opcode::UringCmd16::CODE => on_file(self.file, |_| Ok(())),
            opcode::Shutdown::CODE => {
                on_file(self.file, |file| world.shut(file, self.sqe.len as i32))
            }
            opcode::Close::CODE => match world.close(self.sqe.fd) {
                Ok(()) => Done(0, 0),
                Err(errno) => Done(-errno, 0),
            },
            opcode::PollAdd::CODE => self.poll(world),
            // No other ring is there: its sender must find another way.
            opcode::MsgRingData::CODE => Done(-libc::EBADFD, 0),
            _ => Done(-libc::EINVAL, 0),
        }
    }

    fn accept(&mut self, world: &mut World) -> Outcome {
        let Some(file) = self.file else { return Done(-libc::EBADF, 0) };
        let Kind::Listener(listener) = &mut world.files[file].kind else {
            return Done(-libc::EINVAL, 0);
        };
        if listener.backlog.is_empty() {
            return Parked;
        }
        if world.chance(world.faults.no_descriptor) {
            world.seen.no_descriptors += 1;
            return Done(-libc::EMFILE, 0);
        }
        let Kind::Listener(listener) = &mut world.files[file].kind else { return Parked };
        let Some(connection) = listener.backlog.pop_front() else { return Parked };
        let flags = if listener.backlog.is_empty() { 0 } else { SOCK_NONEMPTY };
        if world.chance(world.faults.aborted_accept) {
            if let Some(stream) = world.stream(connection) {
                stream.abortive = true;
            }
            world.let_go(connection);
            return Done(-libc::ECONNABORTED, flags);
        }
        if self.cancelled.is_some() {
            world.seen.cancelled_accepts += 1;
        }
        if let Some(((room, len), stream)) = self.peer.zip(world.stream(connection)) {
            room.write_address(stream.remote, len);
        }
        let fd = world.install(connection);
        // The backlog holds it no longer.
        world.let_go(connection);
        self.go_on(world, fd, flags)
    }

    fn connect(&mut self, world: &mut World) -> Outcome {
        let Some(file) = self.file else { return Done(-libc::EBADF, 0) };
        if !matches!(world.files[file].kind, Kind::Fresh { .. }) {
            return Done(-libc::EISCONN, 0);
        }
        let Some(address) = self.address else { return Done(-libc::EAFNOSUPPORT, 0) };
        if world.chance(world.faults.refused) {
            return Done(-libc::ECONNREFUSED, 0);
        }
        match world.connect(file, address) {
            Connected::Made => Done(0, 0),
            Connected::Refused => Done(-libc::ECONNREFUSED, 0),
            Connected::Full => Parked,
        }
    }

    fn receive(&mut self, world: &mut World, groups: &mut Groups) -> Outcome {
        let Some(file) = self.file else { return Done(-libc::EBADF, 0) };
        let group = self.sqe.buf_index;
        let room = match self.target {
            Some(target) => Some(target.len()),
            None => groups.room(group),
        };
        let there = world.receivable(file);
        let spurious = there.is_some_and(|there| there > 0) && self.target.is_none();
        if room.is_none() || spurious && world.chance(world.faults.no_buffers) {
            world.seen.dry_groups += 1;
            return Done(-libc::ENOBUFS, 0);
        }
        let mut most = room.unwrap_or(0);
        if self.target.is_none() && self.sqe.len > 0 {
            most = most.min(self.sqe.len as usize);
        }
        if most > 1 && there.is_some_and(|there| there > 1) && world.chance(world.faults.short_read)
        {
            world.seen.short_reads += 1;
            most = world.rng.usize(1..most);
        }
        let bytes = match world.receive(file, most) {
            Received::Bytes(bytes) => bytes,
            Received::End => return Done(0, SOCK_NONEMPTY),
            Received::Broken(errno) => return Done(-errno, 0),
            Received::Nothing => return Parked,
        };
        world.seen.bytes_received += bytes.len() as u64;
        if self.cancelled.is_some() {
            world.seen.cancelled_with_data += 1;
        }
        let flags = match self.target {
            Some(target) => {
                self.check(world);
                target.write(&bytes);
                0
            }
            None => groups.fill(world, group, &bytes),
        };
        self.done += bytes.len();
        // The completion that reaches the total is not cut to it.
        let total = self.sqe.file_index as usize;
        if total > 0 && self.done >= total {
            return Done(bytes.len() as i32, flags);
        }
        self.go_on(world, bytes.len() as i32, flags)
    }

    /// A multishot goes on after this completion, unless it does not.
    fn go_on(&self, world: &mut World, res: i32, flags: u32) -> Outcome {
        if !self.is_multishot() {
            return Done(res, flags);
        }
        if world.chance(world.faults.multishot_end) {
            world.seen.ended_multishots += 1;
            return Done(res, flags);
        }
        More(res, flags)
    }

    fn send(&mut self, world: &mut World) -> Outcome {
        let Some(file) = self.file else { return Done(-libc::EBADF, 0) };
        self.check(world);
        let total: usize = self.pieces.iter().map(|piece| piece.len()).sum();
        let room = match world.sendable(file) {
            Ok(room) => room,
            Err(errno) => {
                world.told(file);
                return Done(if self.done > 0 { self.done as i32 } else { -errno }, 0);
            }
        };
        let mut most = room.min(total - self.done);
        if most > 1 && world.chance(world.faults.slow_write) {
            most = world.rng.usize(1..most);
        }
        if most > 0 {
            world.transmit(file, &self.bytes(most));
            self.done += most;
            world.seen.bytes_sent += most as u64;
            if self.cancelled.is_some() {
                world.seen.cancelled_with_data += 1;
            }
        }
        let waits = self.sqe.op_flags & libc::MSG_WAITALL as u32 != 0;
        if self.done == total || self.done > 0 && !waits {
            return Done(self.done as i32, 0);
        }
        if self.done > 0 && world.chance(world.faults.short_write) {
            world.seen.short_writes += 1;
            return Done(self.done as i32, 0);
        }
        Parked
    }

    /// The next bytes of what is sent, at most so many.
    fn bytes(&self, most: usize) -> Vec<u8> {
        let (mut skip, mut bytes) = (self.done, Vec::with_capacity(most));
        for piece in &self.pieces {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            bytes.extend(piece.part(skipped, most - bytes.len()).read());
        }
        bytes
    }

    fn poll(&mut self, world: &mut World) -> Outcome {
        let Some(file) = self.file else { return Done(-libc::EBADF, 0) };
        let Kind::Event { edges } = world.files[file].kind else {
            return Done(-libc::EINVAL, 0);
        };
        if edges == self.done as u64 {
            return Parked;
        }
        self.done = edges as usize;
        self.go_on(world, i32::from(libc::POLLIN), 0)
    }

    /// What a cancelled operation ends with, when its tries are over.
    pub(super) fn end_cancelled(&mut self, world: &mut World) -> Outcome {
        world.seen.cancelled += 1;
        if self.sqe.opcode == opcode::Connect::CODE && world.rng.bool() {
            // The segments are under way already.
            if matches!(self.connect(world), Done(0, _)) {
                world.seen.connected_after_cancel += 1;
            }
        }
        let sends = matches!(self.sqe.opcode, opcode::Send::CODE | opcode::SendMsg::CODE);
        if sends && self.done > 0 {
            return Done(self.done as i32, 0);
        }
        Done(-libc::ECANCELED, 0)
    }
}

/// Whether a receive picks a buffer from a group.
pub(super) fn selects(sqe: &Sqe) -> bool {
    sqe.flags & squeue::Flags::BUFFER_SELECT.bits() != 0
}

/// Address and length of the memory that an operation writes to.
pub(super) fn target(sqe: &Sqe) -> Option<(u64, usize)> {
    let receives = sqe.opcode == opcode::Recv::CODE && !selects(sqe);
    receives.then_some((sqe.addr, sqe.len as usize))
}

/// Of what is sent, in order.
fn hash(pieces: &[Lent]) -> u64 {
    pieces.iter().fold(0, |hash: u64, piece| hash.rotate_left(1) ^ piece.hash())
}

fn on_file(file: Option<FileId>, call: impl FnOnce(FileId) -> Result<(), i32>) -> Outcome {
    match file.ok_or(libc::EBADF).and_then(call) {
        Ok(()) => Done(0, 0),
        Err(errno) => Done(-errno, 0),
    }
}
