//! [`SimRing`]: the [`Ring`] of a simulated kernel.
//!
//! # Safety
//! What is pushed and provided is kept as [`Lent`] memory, on the word of whoever pushed it.
#![allow(unsafe_code, reason = "takes addresses over from SQEs")]

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use io_uring::{opcode, squeue};

use super::group::Groups;
use super::machine::{Machine, Step};
use super::memory::Lent;
use super::operation::{self, Op, Outcome, selects};
use super::world::World;
use crate::ring::{Full, GroupId, Ring, SqFlags, Wait};
use crate::setup::Setup;
use crate::sqe::Sqe;
use crate::{Caps, Cqe};

/// `IORING_CQE_F_MORE`.
const MORE: u32 = 2;
/// Most completions of a multishot operation in one go.
const RUN: usize = 32;

/// A ring on a [`Machine`], for one thread.
///
/// Nothing happens in the simulated kernel but while it is entered, or asked for its flags.
pub struct SimRing {
    pub(super) machine: Machine,
    caps: Caps,
    entries: usize,
    cq_entries: usize,
    pub(super) submissions: VecDeque<Sqe>,
    pub(super) completions: VecDeque<Cqe>,
    /// Completions that found the queue full.
    pub(super) overflow: VecDeque<Cqe>,
    /// In the order of submission.
    pub(super) ops: Vec<Op>,
    pub(super) groups: Groups,
    /// What operations were called before.
    pub(super) used: HashSet<u64>,
    /// The program waits for a completion.
    waiting: bool,
    fd: OwnedFd,
}

impl SimRing {
    pub(super) fn new(machine: Machine, setup: &Setup, fd: OwnedFd) -> io::Result<SimRing> {
        let allowed = Caps::allowed()?;
        let faults = machine.world().faults.clone();
        machine.world().rings += 1;
        Ok(SimRing {
            machine,
            caps: faults.caps & allowed,
            entries: setup.entries.min(faults.queues.0) as usize,
            cq_entries: setup.cq_entries.min(faults.queues.1) as usize,
            submissions: VecDeque::new(),
            completions: VecDeque::new(),
            overflow: VecDeque::new(),
            ops: Vec::new(),
            groups: Groups::default(),
            used: HashSet::new(),
            waiting: false,
            fd,
        })
    }

    /// Takes in what is queued; says how much.
    fn submit(&mut self, world: &mut World) -> u32 {
        let mut most = self.submissions.len();
        if most > 1 && world.chance(world.faults.partial_submit) {
            world.seen.partial_submits += 1;
            most = world.rng.usize(1..most);
        }
        for sqe in self.submissions.drain(..most).collect::<Vec<_>>() {
            world.seen.submitted += 1;
            world.trace(|| format!("{sqe:?}"));
            self.take_in(world, sqe);
        }
        most as u32
    }

    fn take_in(&mut self, world: &mut World, sqe: Sqe) {
        self.check_name(world, &sqe);
        match sqe.opcode {
            opcode::AsyncCancel::CODE => return self.cancel(world, &sqe),
            opcode::Close::CODE => self.check_close(world, &sqe),
            _ => {}
        }
        // SAFETY: `push`'s caller vouches for what the SQE refers to.
        let memory = |address, len| unsafe { Lent::new(address, len) };
        let file = world.file(sqe.fd);
        let mut op = Op::new(sqe, file, world.seen.submitted, memory);
        op.check(world);
        self.check_overlap(world, &op);
        if let Some(file) = file {
            world.files[file].holders += 1;
        }
        op.stuck = !op.is_immediate() && world.is_next_stuck();
        // A receive meets a dry group at once, though nothing may be there to receive.
        let dry = selects(&op.sqe) && self.groups.room(op.sqe.buf_index).is_none();
        let may_park = !op.is_immediate() && !dry;
        let parks = may_park && (op.is_on_worker() || world.chance(world.faults.park_first));
        if op.stuck || parks || self.run(world, &mut op) {
            self.ops.push(op);
        } else {
            self.retire(world, op);
        }
    }

    /// Tries an operation; `false` once it has ended.
    fn run(&mut self, world: &mut World, op: &mut Op) -> bool {
        for _ in 0..RUN {
            let outcome = match op.cancelled {
                Some(0) => op.end_cancelled(world),
                _ => op.attempt(world, &mut self.groups),
            };
            if let Some(tries) = &mut op.cancelled {
                *tries = tries.saturating_sub(1);
            }
            match outcome {
                Outcome::Parked => return true,
                Outcome::More(res, flags) => {
                    let full = self.completions.len() >= self.cq_entries;
                    if full || !self.overflow.is_empty() {
                        // An overflow ends a multishot operation.
                        self.post(world, &op.sqe, res, flags);
                        return false;
                    }
                    self.post(world, &op.sqe, res, flags | MORE);
                }
                Outcome::Done(res, flags) => {
                    op.check_unless_moved(world, res);
                    self.post(world, &op.sqe, res, flags);
                    return false;
                }
            }
        }
        true
    }

    fn retire(&mut self, world: &mut World, op: Op) {
        if let Some(file) = op.file {
            world.let_go(file);
        }
    }

    fn post(&mut self, world: &mut World, sqe: &Sqe, res: i32, flags: u32) {
        let skips = sqe.flags & squeue::Flags::SKIP_SUCCESS.bits() != 0;
        if skips && res >= 0 {
            return;
        }
        world.seen.completed += 1;
        world.trace(|| format!("    {:#x}: {res}, flags {flags:#x}", sqe.user_data));
        let cqe = Cqe { user_data: sqe.user_data, res, flags };
        if self.overflow.is_empty() && self.completions.len() < self.cq_entries {
            self.completions.push_back(cqe);
            return;
        }
        world.seen.overflows += 1;
        world.seen.overflows_awake += u64::from(!self.waiting);
        self.overflow.push_back(cqe);
    }

    fn flush_overflow(&mut self) {
        while self.completions.len() < self.cq_entries {
            let Some(cqe) = self.overflow.pop_front() else { break };
            self.completions.push_back(cqe);
        }
    }

    /// Cancels one operation by its name, or all.
    fn cancel(&mut self, world: &mut World, sqe: &Sqe) {
        let all = sqe.op_flags != 0;
        let named = |op: &Op| all || op.sqe.user_data == sqe.addr;
        let mut found = 0;
        let mut places: Vec<usize> = (0..self.ops.len()).filter(|&i| named(&self.ops[i])).collect();
        if !all {
            places.truncate(1);
        }
        let mut busy = false;
        let mut ended = Vec::new();
        for place in places {
            let late = world.chance(world.faults.late_cancel);
            let tries = if late { world.rng.u32(1..4) } else { 0 };
            let op = &mut self.ops[place];
            if op.is_on_worker() {
                busy = true;
            } else if op.cancelled.is_none() {
                op.cancelled = Some(tries);
                found += 1;
                ended.push(op.serial);
            }
        }
        if world.chance(world.faults.cancel_last) {
            ended.into_iter().for_each(|serial| self.run_one(world, serial));
        }
        let res = match (all, found, busy) {
            (true, ..) => found,
            (false, 1, _) => 0,
            (false, _, true) => -libc::EALREADY,
            _ => {
                world.seen.late_cancels += 1;
                -libc::ENOENT
            }
        };
        self.post(world, sqe, res, 0);
    }

    /// Tries the operations that could go on, in any order.
    fn run_ready(&mut self, world: &mut World) {
        let ready = |op: &&Op| op.is_ready(world);
        let mut ready: Vec<u64> = self.ops.iter().filter(ready).map(|op| op.serial).collect();
        world.rng.shuffle(&mut ready);
        for serial in ready {
            if world.chance(world.faults.postpone) {
                continue;
            }
            self.run_one(world, serial);
        }
    }

    fn run_one(&mut self, world: &mut World, serial: u64) {
        let is_it = |op: &Op| op.serial == serial && !op.stuck;
        let Some(place) = self.ops.iter().position(is_it) else { return };
        let mut op = self.ops.remove(place);
        if self.run(world, &mut op) {
            self.ops.insert(place, op);
        } else {
            self.retire(world, op);
        }
    }

    /// Lets time go on until there is a completion, or the deadline is over.
    fn wait(&mut self, deadline: Option<u64>) {
        let machine = self.machine.clone();
        self.waiting = true;
        loop {
            {
                let mut world = machine.world();
                world.count_step();
                self.run_ready(&mut world);
                self.flush_overflow();
                let over = deadline.is_some_and(|deadline| world.now >= deadline);
                if !self.completions.is_empty() || over || world.failed().is_some() {
                    break;
                }
            }
            // What is postponed comes before time passes.
            let until = if self.has_ready() { Some(0) } else { deadline };
            match machine.step(until) {
                Step::Happened => {
                    let world = &mut *machine.world();
                    if world.chance(world.faults.interrupted / 8) {
                        world.seen.refused_enters += 1;
                        break;
                    }
                }
                Step::TimePassed => {}
                Step::Nothing if self.has_ready() => {}
                Step::Nothing => {
                    self.report_deadlock();
                    break;
                }
            }
        }
        self.waiting = false;
    }
}

impl Ring for SimRing {
    unsafe fn push(&mut self, sqe: &Sqe) -> Result<(), Full> {
        if self.submissions.len() >= self.entries {
            return Err(Full);
        }
        if let Some(target) = operation::target(sqe) {
            // From here on it is the kernel's: whoever frees it before the SQE is taken in is found
            // out there.
            // SAFETY: the caller gives the memory to the kernel.
            unsafe { Lent::new(target.0, target.1) }.poison();
        }
        self.submissions.push_back(*sqe);
        Ok(())
    }

    fn unsubmitted(&self) -> u32 {
        self.submissions.len() as u32
    }

    fn enter(&mut self, wait: Wait) -> io::Result<u32> {
        let machine = self.machine.clone();
        let mut guard = machine.world();
        let world = &mut *guard;
        if let Some(failed) = world.failed() {
            return Err(io::Error::other(failed.to_owned()));
        }
        world.tick(2000);
        world.count_enter();
        if world.chance(world.faults.busy) {
            world.seen.refused_enters += 1;
            let errno = if world.rng.bool() { libc::EBUSY } else { libc::EAGAIN };
            return Err(io::Error::from_raw_os_error(errno));
        }
        if world.chance(world.faults.interrupted) {
            world.seen.refused_enters += 1;
            return Ok(0);
        }
        let taken = self.submit(world);
        if wait == Wait::Submit || !self.submissions.is_empty() {
            return Ok(taken);
        }
        self.flush_overflow();
        let events = world.rng.u32(0..4);
        drop(guard);
        for _ in 0..events {
            machine.step(Some(0));
        }
        self.run_ready(&mut machine.world());
        match wait {
            Wait::Submit | Wait::Poll => {}
            Wait::Forever => self.wait(None),
            Wait::Until(deadline) => self.wait(Some(deadline)),
        }
        Ok(taken)
    }

    fn completions(&self) -> usize {
        self.completions.len()
    }

    fn take(&mut self) -> Option<Cqe> {
        self.completions.pop_front()
    }

    fn has_completions(&self) -> bool {
        !self.completions.is_empty()
    }

    fn flags(&self) -> SqFlags {
        let mut world = self.machine.world();
        world.count_look();
        if world.failed().is_none() && !world.arriving.is_empty() && world.chance(250) {
            world.deliver();
        }
        drop(world);
        SqFlags { overflow: !self.overflow.is_empty(), taskrun: self.has_ready() }
    }

    fn caps(&self) -> Caps {
        self.caps
    }

    fn now(&self) -> u64 {
        self.machine.now()
    }

    fn is_here(&self) -> bool {
        true
    }

    fn ring_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    fn register_group(
        &mut self,
        group: GroupId,
        entries: u16,
        incremental: bool,
    ) -> io::Result<()> {
        if incremental && !self.caps.contains(Caps::INCREMENTAL) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        self.groups.register(group, entries, incremental)
    }

    fn unregister_group(&mut self, group: GroupId) -> io::Result<()> {
        self.groups.unregister(&mut self.machine.world(), group)
    }

    unsafe fn provide(&mut self, group: GroupId, bid: u16, address: *mut u8, len: u32) {
        // SAFETY: the caller gives the memory to the kernel.
        let memory = unsafe { Lent::new(address as u64, len as usize) };
        self.groups.provide(&mut self.machine.world(), group, bid, memory);
    }

    fn publish(&mut self, group: GroupId) {
        self.groups.publish(group);
    }
}

impl Drop for SimRing {
    fn drop(&mut self) {
        let machine = self.machine.clone();
        let mut world = machine.world();
        world.rings -= 1;
        world.forget_bells();
        self.groups.check_all(&mut world);
        if !self.ops.is_empty() {
            let count = self.ops.len();
            world.fail(format!("a ring is closed with {count} operations in flight"));
        }
    }
}

impl fmt::Debug for SimRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimRing")
            .field("in_flight", &self.ops.len())
            .field("completions", &self.completions.len())
            .field("overflow", &self.overflow.len())
            .finish_non_exhaustive()
    }
}
