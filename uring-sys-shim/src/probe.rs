//! What no set-up flag and no feature bit tells is found by trying, once per process.
//!
//! # Safety
//! The throw-away ring is drained of the operations that refer to a trial's memory before that
//! memory goes; if it cannot be, the memory is leaked.
#![allow(unsafe_code, reason = "trials push SQEs")]

use std::io;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;

use io_uring::{Probe, opcode};

use crate::caps::Caps;
use crate::cqe::Cqe;
use crate::kernel::KernelRing;
use crate::register;
use crate::ring::{GroupId, Ring, Wait};
use crate::setup::Setup;
use crate::sqe::{self, Sqe};

/// Two pages of locked memory, and one for a trial's group.
const SMALL: Setup = Setup { entries: 8, cq_entries: 32 };
const GROUP: GroupId = GroupId(0);
/// A trial that takes longer has failed, ns.
const PATIENCE: u64 = 1_000_000_000;

/// What the kernel can do, as far as it can be found out.
///
/// Nothing is remembered if a trial failed for want of memory or descriptors: the next ring tries
/// again.
pub(crate) fn abilities() -> Caps {
    static FOUND: OnceLock<Caps> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return *found;
    }
    let mut found = Caps::empty();
    match try_all(&mut found) {
        Ok(()) => *FOUND.get_or_init(|| found),
        Err(_) => found,
    }
}

/// Adds what it finds to `found`, up to the first trial that says neither yes nor no.
fn try_all(found: &mut Caps) -> io::Result<()> {
    found.set(Caps::QUERY, register::query_is_known());
    let mut ring = KernelRing::unprobed(&SMALL, Caps::all())?;
    let mut probe = Probe::new();
    ring.uring().submitter().register_probe(&mut probe)?;
    *found |= by_opcode(&probe);
    found.set(Caps::INCREMENTAL, incremental(&mut ring)?);
    found.set(Caps::SEND_VECTORIZED, send_vectorized(&mut ring)?);
    found.set(Caps::RECV_CAPS, recv_caps(&mut ring)?);
    Ok(())
}

fn by_opcode(probe: &Probe) -> Caps {
    let mut found = Caps::empty();
    found.set(Caps::MSG_RING, probe.is_supported(opcode::MsgRingData::CODE));
    found.set(Caps::READ_MULTISHOT, probe.is_supported(opcode::ReadMulti::CODE));
    found.set(Caps::WAITID, probe.is_supported(opcode::WaitId::CODE));
    // A command of a socket has no bit of its own, but it came with the same release, 6.7.
    found.set(Caps::SOCKET_OPTION, probe.is_supported(opcode::WaitId::CODE));
    found.set(Caps::FTRUNCATE, probe.is_supported(opcode::Ftruncate::CODE));
    let bind = probe.is_supported(opcode::Bind::CODE);
    found.set(Caps::RING_BIND_LISTEN, bind && probe.is_supported(opcode::Listen::CODE));
    found.set(Caps::PIPE, probe.is_supported(opcode::Pipe::CODE));
    found
}

fn incremental(ring: &mut KernelRing) -> io::Result<bool> {
    match ring.register_group(GROUP, 1, true) {
        Ok(()) => ring.unregister_group(GROUP).map(|()| true),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sends two slices and looks whether both arrive.
fn send_vectorized(ring: &mut KernelRing) -> io::Result<bool> {
    let (near, _far) = UnixStream::pair()?;
    let slices = [io::IoSlice::new(b"ab"), io::IoSlice::new(b"cd")];
    let sqe = sqe::send_vectored(near.as_raw_fd(), slices.as_ptr().cast(), 2, libc::MSG_DONTWAIT);
    // SAFETY: IoSlice has the layout of iovec; the slices are static and their array outlives the
    // submission, which is all that a send reads of it. MSG_DONTWAIT keeps it from parking.
    let ends = unsafe { run(ring, &sqe) }?;
    Ok(ends.iter().map(|cqe| cqe.res).eq([4]))
}

/// Receives from 40 bytes at 10 a completion with 35 as the limit: four completions, then the end.
fn recv_caps(ring: &mut KernelRing) -> io::Result<bool> {
    let (near, mut far) = UnixStream::pair()?;
    far.write_all(&[7; 40])?;
    // Should the limit be ignored, the end of the stream ends the trial.
    drop(far);
    let memory = Box::leak(Box::new([[0_u8; 16]; 8]));
    ring.register_group(GROUP, 8, false)?;
    for (bid, buffer) in memory.iter_mut().enumerate() {
        // SAFETY: leaked, and taken back only when the one operation that uses it has ended.
        unsafe { ring.provide(GROUP, bid as u16, buffer.as_mut_ptr(), 16) };
    }
    ring.publish(GROUP);
    // SAFETY: it refers to no memory but the group's.
    let ends = unsafe { run(ring, &sqe::recv_multi(near.as_raw_fd(), GROUP, 0, 10, 35)) }?;
    ring.unregister_group(GROUP)?;
    // SAFETY: made by Box::leak above; the operation has ended and the group is gone.
    drop(unsafe { Box::from_raw(memory) });
    let expected = [(10, true), (10, true), (10, true), (10, false)];
    Ok(ends.iter().map(|cqe| (cqe.res, cqe.more())).eq(expected))
}

/// Submits one operation and gathers its completions, to the final one. `EINVAL` is an answer, any
/// other failure is none.
///
/// # Safety
/// As for [`Ring::push`].
unsafe fn run(ring: &mut KernelRing, sqe: &Sqe) -> io::Result<Vec<Cqe>> {
    // SAFETY: passed on to the caller.
    unsafe { ring.push(sqe) }.map_err(|_| io::ErrorKind::WouldBlock)?;
    let deadline = ring.now() + PATIENCE;
    let mut ends = Vec::new();
    while ends.last().is_none_or(Cqe::more) {
        ring.enter(Wait::Until(deadline))?;
        ring.reap(&mut |cqe| ends.push(cqe));
        if ring.now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    match ends.iter().find(|cqe| cqe.res < 0 && cqe.res != -libc::EINVAL) {
        Some(cqe) => Err(io::Error::from_raw_os_error(-cqe.res)),
        None => Ok(ends),
    }
}
