//! Operations in flight, and who is told when they complete.

use std::mem::{self, forget};
use std::rc::Rc;
use std::task::Waker;

use uring_sys_shim::Cqe;

use crate::util::{Key, SlotTable, WakeBatch};

use super::Sink;

/// What a `user_data` names, apart from an operation: its top 8 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// An operation of the table; the lower bits are slot and generation.
    Op = 1,
    /// Nobody waits: a cancellation, a close, a message sent.
    Ignore = 2,
    /// The poll of the loop's own eventfd.
    Doorbell = 3,
    /// A message from another loop's ring.
    Message = 4,
    /// A message to another loop's ring; the lower bits are its place among the kicks.
    Kick = 5,
}

impl Kind {
    /// The `user_data` of a kind that needs no slot.
    pub(crate) const fn user_data(self) -> u64 {
        (self as u64) << 56
    }

    pub(crate) fn of(user_data: u64) -> Option<Kind> {
        match (user_data >> 56) as u8 {
            1 => Some(Kind::Op),
            2 => Some(Kind::Ignore),
            3 => Some(Kind::Doorbell),
            4 => Some(Kind::Message),
            5 => Some(Kind::Kick),
            _ => None,
        }
    }
}

/// Names one operation from its submission to its final completion; later it names nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OpKey(Key);

/// Names nothing.
impl Default for OpKey {
    fn default() -> OpKey {
        OpKey(Key::NONE)
    }
}

impl OpKey {
    /// Operations at once. Slots are 24 bits wide, so that slot, generation and an 8-bit kind fit
    /// one `user_data`.
    const MAX: usize = 1 << 24;

    /// `kind:8 | generation:32 | slot:24`.
    #[inline]
    pub(crate) fn user_data(self) -> u64 {
        Kind::Op.user_data() | u64::from(self.0.generation) << 24 | u64::from(self.0.slot)
    }

    pub(crate) fn from_user_data(user_data: u64) -> OpKey {
        OpKey(Key { slot: (user_data & 0xff_ffff) as u32, generation: (user_data >> 24) as u32 })
    }
}

/// What the kernel said last about an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Completion {
    /// The result, or a negated errno.
    pub(crate) res: i32,
    pub(crate) flags: u32,
}

/// Takes over the result of an operation whose future is gone, e.g. to close a descriptor.
pub(crate) type Orphan = Box<dyn FnOnce(Completion)>;

/// One slot.
///
/// ```text
///                 1 submit              2 final CQE            3 poll
///    (no slot) ───────────▶ Waiting ──────────────▶ Done ───────────────▶ (no slot)
///        │                     │ 4 future dropped     │ 5 future dropped
///        │                     ▼                      ▼
///        │                  Orphaned ─────────▶ clean-up run, (no slot)
///        │ 6 submit            6 final CQE
///        └───────────▶ Routed ─── CQE with F_MORE ──▶ Routed
///                        └─────── 7 final CQE ──────▶ (no slot), sink told
/// ```
/// 1 `Driver::submit` · 2, 6, 7 `Driver::route` · 3 `Driver::poll_op` · 4, 5 `Driver::orphan` ·
/// 6 `Driver::submit_to`. Only the final completion retires a slot whose operation the kernel
/// knows; cancelling changes no state, it only hastens the completion.
pub(crate) enum Slot {
    /// A future owns the operation's memory and will fetch the result.
    Waiting(Option<Waker>),
    /// The result waits for its future.
    Done(Completion),
    /// The future is gone; the clean-up owns the operation's memory.
    Orphaned(Orphan),
    /// A transport owns the operation's memory and is told of each completion.
    Routed(Rc<dyn Sink>, u32),
}

/// All operations of one ring.
#[derive(Default)]
pub(crate) struct OpTable {
    slots: SlotTable<Slot>,
}

/// Where a completion goes that does more than wake a future. It is carried out after the table's
/// borrow has ended.
pub(crate) enum Route {
    CleanUp(Orphan, Completion),
    Sink(Rc<dyn Sink>, u32),
    /// It belongs to the driver itself.
    Driver,
    /// A completion for an operation that is not in the table: never from a sane kernel.
    Unknown,
}

impl OpTable {
    /// Makes a slot, or gives back what makes it if there are too many.
    #[inline]
    pub(crate) fn insert<F: FnOnce() -> Slot>(&mut self, make: F) -> Result<OpKey, F> {
        self.slots.insert_with(OpKey::MAX, make).map(OpKey)
    }

    /// Ends the life of a slot whose SQE never reached the kernel, or whose result was fetched.
    pub(crate) fn remove(&mut self, key: OpKey) -> Option<Slot> {
        self.slots.remove(key.0)
    }

    /// Takes the result of an operation that has completed, and ends its slot's life: transition 3.
    #[inline]
    pub(crate) fn take_done(&mut self, key: OpKey) -> Option<Completion> {
        let mut tenant = self.slots.tenant(key.0)?;
        let &mut Slot::Done(completion) = tenant.value()? else { return None };
        // A result has nothing to drop: without a look whether it does.
        forget(tenant.leave());
        Some(completion)
    }

    pub(crate) fn get_mut(&mut self, key: OpKey) -> Option<&mut Slot> {
        self.slots.get_mut(key.0)
    }

    /// Takes in one completion: transitions 2, 6 and 7. If it is a future's, its waker is in the
    /// batch, and that was all.
    #[inline]
    pub(crate) fn complete(&mut self, cqe: Cqe, wakes: &mut WakeBatch) -> Option<Route> {
        let key = OpKey::from_user_data(cqe.user_data);
        let completion = Completion { res: cqe.res, flags: cqe.flags };
        let Some(mut tenant) = self.slots.tenant(key.0) else { return Some(Route::Unknown) };
        Some(match tenant.value() {
            // An operation that a future owns is one-shot: its first completion is its last.
            Some(slot @ Slot::Waiting(_)) => {
                if let Slot::Waiting(waker) = slot {
                    wakes.take_from(waker);
                }
                // There is no waker left to drop: without a look.
                forget(mem::replace(slot, Slot::Done(completion)));
                return None;
            }
            Some(Slot::Routed(sink, tag)) if cqe.more() => Route::Sink(sink.clone(), *tag),
            Some(Slot::Routed(..) | Slot::Orphaned(_)) => match tenant.leave() {
                Some(Slot::Routed(sink, tag)) => Route::Sink(sink, tag),
                Some(Slot::Orphaned(clean_up)) => Route::CleanUp(clean_up, completion),
                _ => Route::Unknown,
            },
            Some(Slot::Done(_)) | None => Route::Unknown,
        })
    }

    /// Operations that the kernel still owns.
    pub(crate) fn in_flight(&self) -> usize {
        self.slots.keys().filter(|&key| !matches!(self.slots.get(key), Some(Slot::Done(_)))).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

impl std::fmt::Debug for OpTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpTable").field("operations", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_carries_slot_and_generation() {
        let key = OpKey(Key { slot: 0xab_cdef, generation: 0xdead_beef });
        assert_eq!(Kind::of(key.user_data()), Some(Kind::Op));
        assert_eq!(OpKey::from_user_data(key.user_data()), key);
    }

    #[test]
    fn a_late_cancel_misses_the_next_operation_of_the_slot() {
        let mut table = OpTable::default();
        let first = table.insert(|| Slot::Waiting(None)).ok().unwrap();
        let cqe = Cqe { user_data: first.user_data(), res: 0, flags: 0 };
        let mut wakes = WakeBatch::default();
        assert!(table.complete(cqe, &mut wakes).is_none());
        table.remove(first);
        let second = table.insert(|| Slot::Waiting(None)).ok().unwrap();
        assert_ne!(first.user_data(), second.user_data());
        assert!(matches!(table.complete(cqe, &mut wakes), Some(Route::Unknown)));
        assert!(matches!(table.get_mut(second), Some(Slot::Waiting(None))));
    }
}
