//! The queue behind the three queues: who may put and get, who waits, and what is left to do.
//!
//! Whenever foreign code runs, what follows holds, unless items are being compared: a getter waits
//! only if no item is free, a putter only if there is no room and no getter. [`Core::settle`] sees to it.
//!
//! A getter whose turn has come has a claim: one of the items is its own, though it stays in the
//! buffer until the getter runs. One that is dropped instead leaves everything in order: the claim
//! goes to the next getter, or the item is free again. A putter's item is part of its place in line;
//! whoever chooses the putter takes the item, and so it is either the putter's or the queue's.

use std::cell::Cell;
use std::fmt;
use std::panic::resume_unwind;

use crate::sync::wait_queue::{Gate, Wait, WaitQueue};
use crate::util::budget;
use crate::util::contain::{Payload, discard};

use super::buffer::Buffer;
use super::error::{TooManyDone, TryGetError, TryPutError};
use super::get::Get;
use super::put::Put;
use super::shutdown::Shutdown;

pub(super) struct Core<T, B> {
    items: B,
    /// Items that anybody may have. More than `capacity` if getters were dropped that had claims.
    free: Cell<usize>,
    /// Items that getters have claims to.
    claimed: Cell<usize>,
    capacity: usize,
    /// `capacity`, until the shutdown.
    room: Cell<usize>,
    shutdown: Cell<Option<Shutdown>>,
    /// Items that were put and have not been reported as done.
    unfinished: Cell<usize>,
    getters: WaitQueue<Turn<T>>,
    /// With what they want to put. Who is chosen has nothing any more, save for the shutdown.
    putters: WaitQueue<Option<T>>,
    joiners: WaitQueue<()>,
}

/// What a getter has got.
#[derive(Default)]
pub(super) enum Turn<T> {
    /// It waits, or waits no more: the queue was shut down.
    #[default]
    Nothing,
    /// One of the items is its own.
    Claim,
    Item(T),
}

impl<T, B: Buffer<T>> Core<T, B> {
    pub(super) fn new(capacity: usize) -> Core<T, B> {
        Core {
            items: B::default(),
            free: Cell::new(0),
            claimed: Cell::new(0),
            capacity,
            room: Cell::new(capacity),
            shutdown: Cell::new(None),
            unfinished: Cell::new(0),
            getters: WaitQueue::new(),
            putters: WaitQueue::new(),
            joiners: WaitQueue::new(),
        }
    }

    /// A put that needs no place in line.
    ///
    /// # Errors
    /// The item: it may need one.
    #[inline(always)]
    pub(super) fn put_at_once(&self, item: T) -> Result<(), T> {
        budget::at_once(item, |item| {
            if self.free.get() >= self.room.get() || self.items.is_busy() {
                return Err(item);
            }
            self.enter_and_settle(item);
            Ok(())
        })
    }

    /// A get that needs no place in line, unless it does.
    #[inline(always)]
    pub(super) fn get_at_once(&self) -> Option<T> {
        budget::at_once((), |()| self.take_free().ok_or(())).ok()
    }

    #[inline]
    pub(super) fn put(&self, item: T) -> Put<'_, T, B> {
        Put::new(self, item)
    }

    #[inline]
    pub(super) fn wait_for_room(&self, item: T) -> Wait<'_, Option<T>, &Self> {
        self.putters.wait(self, Some(item))
    }

    #[inline]
    pub(super) fn get(&self) -> Get<'_, T, B> {
        Get::new(self)
    }

    #[inline]
    pub(super) fn wait_for_item(&self) -> Wait<'_, Turn<T>, &Self> {
        self.getters.wait(self, Turn::Nothing)
    }

    #[inline]
    pub(super) fn join(&self) -> Wait<'_, (), &Self> {
        self.joiners.wait(self, ())
    }

    #[inline]
    pub(super) fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        if self.shutdown.get().is_some() {
            return Err(TryPutError::ShutDown(item));
        }
        if !self.has_room() || self.items.is_busy() {
            return Err(TryPutError::Full(item));
        }
        self.enter_and_settle(item);
        Ok(())
    }

    #[inline]
    pub(super) fn try_get(&self) -> Result<T, TryGetError> {
        match self.take_free() {
            Some(item) => Ok(item),
            None if self.shutdown.get().is_some() => Err(TryGetError::ShutDown),
            None => Err(TryGetError::Empty),
        }
    }

    pub(super) fn task_done(&self) -> Result<(), TooManyDone> {
        let left = self.unfinished.get().checked_sub(1).ok_or(TooManyDone)?;
        self.finish(left);
        self.joiners.wake_chosen();
        Ok(())
    }

    pub(super) fn shutdown(&self, how: Shutdown) {
        if self.shutdown.get() != Some(Shutdown::Now) {
            self.shutdown.set(Some(how));
        }
        self.room.set(0);
        // They keep their items, and find no claim.
        self.putters.choose_all();
        self.getters.choose_all();
        if how == Shutdown::Now {
            let dropped = self.free.take() + self.claimed.take();
            self.finish(self.unfinished.get().saturating_sub(dropped));
        }
        go_on(self.settle());
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.free.get()
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.free.get() < self.capacity || !self.getters.is_empty()
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        (self.capacity < usize::MAX).then_some(self.capacity)
    }

    pub(super) fn getters(&self) -> usize {
        self.getters.len()
    }

    pub(super) fn putters(&self) -> usize {
        self.putters.len()
    }

    #[inline]
    pub(super) fn is_busy(&self) -> bool {
        self.items.is_busy()
    }

    /// What a getter that had its turn takes home; `None` behind a shutdown.
    #[inline]
    pub(super) fn collect(&self, turn: Turn<T>) -> Option<T> {
        match turn {
            Turn::Item(item) => Some(item),
            Turn::Claim => self.take_claimed(),
            // A claim may have been given back since.
            Turn::Nothing => self.take_free(),
        }
    }

    #[inline(always)]
    fn enter_and_settle(&self, item: T) {
        let panic = self.enter(item);
        if B::COMPARES {
            go_on(first(panic, self.settle()));
        } else if !self.getters.is_empty() {
            self.hand_over();
        }
    }

    /// As [`settle`](Core::settle), when an item has come to getters that wait.
    #[inline(never)]
    fn hand_over(&self) {
        self.free.set(self.free.get() - 1);
        self.claimed.set(self.claimed.get() + 1);
        // There is one, as the caller has seen.
        let _ = self.getters.choose_and_wake(Turn::Claim);
    }

    /// Whether there was a getter for an item that is free.
    #[inline]
    fn claim(&self) -> bool {
        let is_claimed = self.free.get() > 0 && self.getters.choose(Turn::Claim).is_ok();
        if is_claimed {
            self.free.set(self.free.get() - 1);
            self.claimed.set(self.claimed.get() + 1);
        }
        is_claimed
    }

    /// Takes an item that nobody has a claim to.
    #[inline(always)]
    fn take_free(&self) -> Option<T> {
        let free = self.free.get();
        match self.putters.is_empty() {
            true if free == 0 => return None,
            true if self.claimed.get() == 0 && !B::COMPARES => self.free.set(free - 1),
            _ => return self.take_beside_others(),
        }
        // There is nothing to settle, and nothing that panics.
        self.items.pop(0).ok().flatten()
    }

    /// As [`take_free`](Core::take_free), also if others have claims or want to put; where there is no room
    /// the item is that of a putter.
    #[inline(never)]
    fn take_beside_others(&self) -> Option<T> {
        if self.items.is_busy() {
            return None;
        }
        match self.free.get().checked_sub(1) {
            Some(rest) => {
                self.free.set(rest);
                self.took(self.items.pop(self.claimed.get()))
            }
            None => {
                self.unfinished.set(self.unfinished.get() + 1);
                self.putters.choose_and_wake(None).ok().flatten()
            }
        }
    }

    #[inline]
    fn take_claimed(&self) -> Option<T> {
        // Whoever shuts down at once takes the claims, too.
        self.claimed.set(self.claimed.get().checked_sub(1)?);
        match self.items.pop(0) {
            // That leaves as much room as before.
            Ok(item) if !B::COMPARES => item,
            popped => self.took(popped),
        }
    }

    /// Lets others in behind an item that was taken. If a comparison panics it is put back.
    fn took(&self, popped: Result<Option<T>, Payload>) -> Option<T> {
        let panic = match (popped, self.settle()) {
            (Ok(item), Ok(())) => return item,
            (Ok(item), settled) => {
                item.into_iter().for_each(|item| self.items.restore(item));
                settled
            }
            (Err(payload), settled) => first(Err(payload), settled),
        };
        if self.shutdown.get() == Some(Shutdown::Now) {
            // A comparison did that, without this item, which goes the way of the others.
            self.finish(self.unfinished.get().saturating_sub(1));
        } else {
            self.free.set(self.free.get() + 1);
        }
        go_on(first(panic, self.settle()));
        None
    }

    /// Counts an item, and then puts it into the buffer.
    #[inline]
    fn enter(&self, item: T) -> Result<(), Payload> {
        self.free.set(self.free.get() + 1);
        self.unfinished.set(self.unfinished.get() + 1);
        self.items.push(item)
    }

    /// Gives those who wait what they can have, then wakes them, then drops what nobody will have.
    /// While items are compared it does nothing: who compares them settles afterwards.
    ///
    /// # Errors
    /// What a comparison has panicked with; all is settled nonetheless.
    #[inline(never)]
    fn settle(&self) -> Result<(), Payload> {
        if self.items.is_busy() {
            return Ok(());
        }
        let mut panic = Ok(());
        loop {
            if self.claim() {
                continue;
            }
            if !self.has_room() {
                break;
            }
            let Ok(Some(item)) = self.putters.choose(None) else { break };
            panic = first(panic, self.enter(item));
        }
        let dropped = (self.shutdown.get() == Some(Shutdown::Now)).then(|| self.items.take());
        self.getters.wake_chosen();
        self.putters.wake_chosen();
        self.joiners.wake_chosen();
        drop(dropped);
        panic
    }

    fn finish(&self, unfinished: usize) {
        self.unfinished.set(unfinished);
        if unfinished == 0 {
            self.joiners.choose_all();
        }
    }
}

impl<T, B: Buffer<T>> Gate<Option<T>> for Core<T, B> {
    #[inline]
    fn pass(&self, item: Option<T>) -> Result<Option<T>, Option<T>> {
        let Some(item) = item else { return Ok(None) };
        match self.try_put(item) {
            Ok(()) => Ok(None),
            Err(TryPutError::ShutDown(item)) => Ok(Some(item)),
            Err(TryPutError::Full(item)) => Err(Some(item)),
        }
    }

    /// The item goes with its putter, or is the queue's already; the others have as much room as before.
    fn left(&self, _item: Option<T>, _chosen: bool) {}
}

impl<T, B: Buffer<T>> Gate<Turn<T>> for Core<T, B> {
    #[inline]
    fn pass(&self, _turn: Turn<T>) -> Result<Turn<T>, Turn<T>> {
        match self.try_get() {
            Ok(item) => Ok(Turn::Item(item)),
            Err(TryGetError::ShutDown) => Ok(Turn::Nothing),
            Err(TryGetError::Empty) => Err(Turn::Nothing),
        }
    }

    fn left(&self, turn: Turn<T>, _chosen: bool) {
        if let Turn::Claim = turn
            && let Some(rest) = self.claimed.get().checked_sub(1)
        {
            self.claimed.set(rest);
            self.free.set(self.free.get() + 1);
            go_on(self.settle());
        }
    }
}

impl<T, B: Buffer<T>> Gate<()> for Core<T, B> {
    /// All may be done now, and something be put before the task's next turn.
    const PASSES: bool = true;

    #[inline]
    fn pass(&self, (): ()) -> Result<(), ()> {
        if self.unfinished.get() == 0 { Ok(()) } else { Err(()) }
    }

    /// Everybody is released at once.
    fn left(&self, (): (), _chosen: bool) {}
}

impl<T, B> Core<T, B> {
    pub(super) fn fmt(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.free.get())
            .field("unfinished", &self.unfinished.get())
            .field("getters", &self.getters.len())
            .field("putters", &self.putters.len())
            .field("shutdown", &self.shutdown.get())
            .finish_non_exhaustive()
    }
}

/// The first panic; there is nobody to hear of a second one.
#[inline]
fn first(one: Result<(), Payload>, other: Result<(), Payload>) -> Result<(), Payload> {
    match (one, other) {
        (Ok(()), other) => other,
        (one, Ok(())) => one,
        (one, Err(second)) => {
            discard(second);
            one
        }
    }
}

/// Goes on with a panic once all is settled.
#[inline]
fn go_on(panic: Result<(), Payload>) {
    if let Err(payload) = panic {
        resume_unwind(payload);
    }
}
