//! What the simulated kernel watches: that each operation keeps the rules, and that something can
//! still happen.

use io_uring::{opcode, squeue};

use super::operation::Op;
use super::ring::SimRing;
use super::world::World;
use crate::sqe::Sqe;

impl SimRing {
    /// Whether an operation could go on.
    pub(super) fn has_ready(&self) -> bool {
        let world = self.machine.world();
        self.ops.iter().any(|op| op.is_ready(&world))
    }

    pub(super) fn report_deadlock(&self) {
        let ops: Vec<String> = self.ops.iter().map(|op| format!("\n  {:?}", op.sqe)).collect();
        let (queued, over) = (self.submissions.len(), self.overflow.len());
        let what = format!(
            "deadlock: nothing can happen; {queued} queued, {over} overflowed, in flight: {}",
            ops.concat()
        );
        self.machine.world().fail(what);
    }

    /// No two operations in flight have one name; nor have two at all, where a late cancel could
    /// hit the later one. Polls and messages have names of their own, which come again.
    pub(super) fn check_name(&mut self, world: &mut World, sqe: &Sqe) {
        if sqe.flags & squeue::Flags::SKIP_SUCCESS.bits() != 0 {
            return;
        }
        let name = sqe.user_data;
        let posted = self.completions.iter().chain(&self.overflow);
        let flies = self.ops.iter().any(|op| op.sqe.user_data == name)
            || posted.into_iter().any(|cqe| cqe.user_data == name);
        if flies {
            world.fail(format!("an operation's user_data is in flight already: {sqe:?}"));
        }
        let recurs = matches!(sqe.opcode, opcode::PollAdd::CODE | opcode::MsgRingData::CODE);
        if world.faults.unique_names && !recurs && !self.used.insert(name) {
            world.fail(format!("an operation's user_data was another's before: {sqe:?}"));
        }
    }

    pub(super) fn check_close(&self, world: &mut World, sqe: &Sqe) {
        let Some(file) = world.file(sqe.fd) else { return };
        if let Some(op) = self.ops.iter().find(|op| op.file == Some(file)) {
            let what = format!("descriptor {} is closed under an operation: {:?}", sqe.fd, op.sqe);
            world.fail(what);
        }
    }

    /// The kernel writes to no memory twice, and to none that it reads.
    pub(super) fn check_overlap(&self, world: &mut World, op: &Op) {
        let sent = |other: &Op, target| other.reads(target);
        let clash = match op.target {
            Some(target) => {
                let writes = |other: &Op| other.target.is_some_and(|t| t.overlaps(target));
                self.groups.overlaps(target)
                    || self.ops.iter().any(|other| writes(other) || sent(other, target))
            }
            None => self.ops.iter().filter_map(|other| other.target).any(|to| op.reads(to)),
        };
        if clash {
            world.fail(format!("memory that the kernel has was handed to it again: {:?}", op.sqe));
        }
    }
}
