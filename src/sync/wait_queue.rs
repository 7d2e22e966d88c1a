//! The queue that everything here waits in: first come, first served, and no memory of its own.
//!
//! A waiter's place is part of its future ([`Wait`]), which is pinned; the queue is the head and the
//! tail of a list through these places. What a primitive does with it is always the same: it settles
//! its own state, chooses waiters ([`WaitQueue::choose`]: they leave the line at once, in order,
//! and each is handed a word), and when it is consistent and nothing is borrowed any more it
//! calls [`WaitQueue::wake_chosen`]. A future that is dropped tells its [`Gate`], chosen or not, so
//! that what it was given goes on to the next.
//!
//! ```text
//!            poll: the gate says no          choose            wake_chosen
//!   Idle ───────────────────────────▶ Waiting ──────▶ Chosen ─────────────▶ Woken
//!    ▲  ◀─┐ the gate says yes           │ drop           │ poll, drop        │ poll, drop
//!    └────┴─────────────────────────────┴───────────────┴───────────────────┘
//! ```
//!
//! # Safety
//! A place is linked while it is `Waiting` or `Chosen`, by pointers from its neighbours and from
//! the queue, and every place that leaves either state unlinks itself. Its memory cannot go or be
//! used again before it is dropped: the future is pinned when it is linked, and its destructor
//! unlinks it. One that is forgotten stays linked for as long as the queue is used, in memory that
//! stays for ever.
//!
//! Places point at places, never at the queue, so the queue may move once nobody borrows it; it has no
//! destructor, so that what is forgotten is not touched when it goes. A place reaches the queue
//! through a borrow alone, which a future that was not forgotten cannot outlive.
//!
//! Everything in a place is a `Cell`, reached through shared references alone, and the future is not
//! `Unpin`: a pinned `&mut` to it asserts nothing about the place's memory. No reference to somebody
//! else's place is kept while foreign code runs. So "it is linked", below, says that a pointer may be
//! looked through, and shared.
#![allow(unsafe_code, reason = "a list through futures that are pinned")]

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

pub(crate) use super::gate::Gate;
use crate::util::budget;
use crate::util::contain::contain;

/// Waiters in the order in which they came.
pub(crate) struct WaitQueue<T> {
    waiting: List<T>,
    /// Who was chosen and has not been woken yet. Empty unless some primitive is being used.
    chosen: List<T>,
}

impl<T> WaitQueue<T> {
    pub(crate) const fn new() -> WaitQueue<T> {
        WaitQueue { waiting: List::new(), chosen: List::new() }
    }

    /// Whether nobody waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.head.get().is_none()
    }

    /// How many wait; who was chosen does not.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len.get()
    }

    /// A future of one's turn. It stands in line from the first poll in which `gate` says no.
    #[inline]
    pub(crate) fn wait<G: Gate<T>>(&self, gate: G, word: T) -> Wait<'_, T, G>
    where
        T: Default,
    {
        Wait { queue: self, gate, place: Place::new(word) }
    }

    /// The word of the first waiter.
    #[inline]
    pub(crate) fn peek(&self) -> Option<T>
    where
        T: Copy,
    {
        // SAFETY: it is linked.
        self.waiting.head.get().map(|first| unsafe { first.as_ref() }.word.get())
    }

    /// Chooses the first waiter, hands it a word and gives the one it had.
    ///
    /// # Errors
    /// The word, if nobody waits.
    #[inline]
    pub(crate) fn choose(&self, word: T) -> Result<T, T> {
        match self.first_to_chosen() {
            // SAFETY: it was linked to the list of the chosen just now.
            Some(place) => Ok(unsafe { place.as_ref() }.word.replace(word)),
            None => Err(word),
        }
    }

    /// Chooses up to `n` waiters, each with the word of its number among them, and says how many.
    #[inline]
    pub(crate) fn choose_many(&self, n: usize, mut word: impl FnMut(usize) -> T) -> usize
    where
        T: Copy,
    {
        let n = n.min(self.len());
        (0..n).take_while(|nth| self.choose(word(*nth)).is_ok()).count()
    }

    /// Chooses everybody, each with the word it has.
    #[inline]
    pub(crate) fn choose_all(&self) {
        while self.first_to_chosen().is_some() {}
    }

    /// Wakes everybody who was chosen, in that order. This is foreign code, which may use the queue: the
    /// caller has settled everything, borrows nothing, and has nothing left to do.
    #[inline]
    pub(crate) fn wake_chosen(&self) {
        // A waker that panics takes no other with it.
        while self.chosen.head.get().is_some() {
            contain(|| while self.wake_first() {});
        }
    }

    /// Chooses the first waiter and wakes it, as [`choose`](WaitQueue::choose) and
    /// [`wake_chosen`](WaitQueue::wake_chosen) do, for who chooses one and is ready to have foreign code run.
    ///
    /// # Errors
    /// The word, if nobody waits.
    #[inline]
    pub(crate) fn choose_and_wake(&self, word: T) -> Result<T, T> {
        let Some(first) = self.waiting.head.get() else { return Err(word) };
        // SAFETY: it is linked, and the reference is gone before the waker is woken.
        let place = unsafe { first.as_ref() };
        self.waiting.remove(place);
        place.state.set(State::Woken);
        let (word, waker) = (place.word.replace(word), place.waker.take());
        contain(|| waker.into_iter().for_each(Waker::wake));
        Ok(word)
    }

    fn wake_first(&self) -> bool {
        let Some(first) = self.chosen.head.get() else { return false };
        // SAFETY: it is linked, and nothing runs that could end it before the reference is gone.
        let place = unsafe { first.as_ref() };
        self.chosen.remove(place);
        place.state.set(State::Woken);
        if let Some(waker) = place.waker.take() {
            waker.wake();
        }
        true
    }

    #[inline]
    fn first_to_chosen(&self) -> Option<NonNull<Place<T>>> {
        let first = self.waiting.head.get()?;
        // SAFETY: it is linked.
        let place = unsafe { first.as_ref() };
        self.waiting.remove(place);
        place.state.set(State::Chosen);
        // SAFETY: it is on no list any more, and alive as it was: its future is pinned, and was not
        // dropped.
        unsafe { self.chosen.push(first) };
        Some(first)
    }
}

impl<T> Default for WaitQueue<T> {
    fn default() -> Self {
        WaitQueue::new()
    }
}

impl<T> fmt::Debug for WaitQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not in line.
    Idle,
    /// In line.
    Waiting,
    /// It has had its turn and will be woken.
    Chosen,
    /// It has had its turn and was woken.
    Woken,
}

/// A waiter's place in line.
struct Place<T> {
    state: Cell<State>,
    word: Cell<T>,
    /// There is one from the moment it is linked until it is woken.
    waker: Cell<Option<Waker>>,
    previous: Cell<Option<NonNull<Place<T>>>>,
    next: Cell<Option<NonNull<Place<T>>>>,
    _pinned: PhantomPinned,
}

impl<T> Place<T> {
    #[inline]
    fn new(word: T) -> Place<T> {
        Place {
            state: Cell::new(State::Idle),
            word: Cell::new(word),
            waker: Cell::new(None),
            previous: Cell::new(None),
            next: Cell::new(None),
            _pinned: PhantomPinned,
        }
    }
}

/// Places that point at each other.
struct List<T> {
    head: Cell<Option<NonNull<Place<T>>>>,
    tail: Cell<Option<NonNull<Place<T>>>>,
    len: Cell<usize>,
}

impl<T> List<T> {
    const fn new() -> List<T> {
        List { head: Cell::new(None), tail: Cell::new(None), len: Cell::new(0) }
    }

    /// # Safety
    /// The place is on no list, and stays where it is until it is removed from this one.
    #[inline]
    unsafe fn push(&self, new: NonNull<Place<T>>) {
        let tail = self.tail.replace(Some(new));
        match tail {
            // SAFETY: it is linked.
            Some(tail) => unsafe { tail.as_ref() }.next.set(Some(new)),
            None => self.head.set(Some(new)),
        }
        // SAFETY: as the caller says.
        unsafe { new.as_ref() }.previous.set(tail);
        self.len.set(self.len.get() + 1);
    }

    /// Takes a place of this list off it.
    #[inline]
    fn remove(&self, place: &Place<T>) {
        let (previous, next) = (place.previous.take(), place.next.take());
        match previous {
            // SAFETY: it is linked.
            Some(previous) => unsafe { previous.as_ref() }.next.set(next),
            None => self.head.set(next),
        }
        match next {
            // SAFETY: it is linked.
            Some(next) => unsafe { next.as_ref() }.previous.set(previous),
            None => self.tail.set(previous),
        }
        self.len.set(self.len.get() - 1);
    }
}

/// Waits for one's turn; gives the word that came with it.
///
/// What is ready costs the task's budget. Polled again after that, it begins anew with the word
/// that `T` has by default.
#[must_use = "it stands in line when it is polled"]
pub(crate) struct Wait<'q, T: Default, G: Gate<T>> {
    queue: &'q WaitQueue<T>,
    gate: G,
    place: Place<T>,
}

impl<T: Default, G: Gate<T>> Wait<'_, T, G> {
    /// Stands in line without asking the gate, at once and at no cost.
    pub(crate) fn line_up(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let this = self.into_ref();
        debug_assert_eq!(this.place.state.get(), State::Idle);
        this.link(cx.waker().clone());
    }

    /// As `poll`, for who was refused by the gate just now: it is not asked again before the waker was cloned.
    #[inline]
    pub(crate) fn poll_refused(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.into_ref();
        budget::limited(cx, |cx| match this.place.state.get() {
            State::Idle => this.begin_to_wait(this.place.word.take(), cx),
            _ => this.ask(cx),
        })
    }

    #[inline]
    fn ask(self: Pin<&Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.place.state.get() {
            State::Idle => self.begin(cx),
            State::Waiting => self.stay(cx),
            State::Chosen | State::Woken => Poll::Ready(self.finish()),
        }
    }

    #[inline]
    fn begin(self: Pin<&Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.gate.pass(self.place.word.take()) {
            Ok(word) => Poll::Ready(word),
            Err(word) => self.begin_to_wait(word, cx),
        }
    }

    /// What it could have at once it is given as if it had been chosen: the next poll fetches that.
    #[cold]
    fn begin_without_budget(self: Pin<&Self>, cx: &mut Context<'_>) -> Poll<T> {
        if let Poll::Ready(word) = self.begin(cx) {
            self.place.word.set(word);
            self.place.state.set(State::Woken);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn begin_to_wait(self: Pin<&Self>, word: T, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        // That was foreign code, after which the answer may be another.
        match self.gate.pass(word) {
            Ok(word) => {
                // Its panic would lose what was given.
                contain(|| drop(waker));
                Poll::Ready(word)
            }
            Err(word) => {
                self.place.word.set(word);
                self.link(waker);
                Poll::Pending
            }
        }
    }

    fn link(self: Pin<&Self>, waker: Waker) {
        let place = &self.get_ref().place;
        let before = place.waker.replace(Some(waker));
        place.state.set(State::Waiting);
        // SAFETY: it was idle, and so on no list; it is pinned with its future, whose destructor
        // removes it.
        unsafe { self.queue.waiting.push(NonNull::from(place)) };
        // The rest is foreign code.
        drop(before);
    }

    /// Sees to it that the task which polls now is the one that will be woken.
    fn stay(self: Pin<&Self>, cx: &mut Context<'_>) -> Poll<T> {
        let before = self.place.waker.take();
        let is_same = before.as_ref().is_some_and(|before| before.will_wake(cx.waker()));
        self.place.waker.set(before);
        if is_same {
            return Poll::Pending;
        }
        let waker = cx.waker().clone();
        // That was foreign code, to which the place was as before.
        if self.place.state.get() != State::Waiting {
            // First, for its panic would lose what was given.
            drop(waker);
            return Poll::Ready(self.finish());
        }
        drop(self.place.waker.replace(Some(waker)));
        Poll::Pending
    }

    fn finish(self: Pin<&Self>) -> T {
        self.unlink();
        self.place.word.take()
    }

    /// Takes the place off the list that it is on, and says in which state it was.
    fn unlink(&self) -> State {
        let state = self.place.state.replace(State::Idle);
        match state {
            State::Waiting => self.queue.waiting.remove(&self.place),
            State::Chosen => self.queue.chosen.remove(&self.place),
            State::Idle | State::Woken => {}
        }
        state
    }

    #[cold]
    fn give_up(&self) {
        let state = self.unlink();
        self.gate.left(self.place.word.take(), state != State::Waiting);
    }
}

impl<T: Default, G: Gate<T>> Future for Wait<'_, T, G> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.into_ref();
        if G::PASSES && budget::is_spent() && this.place.state.get() == State::Idle {
            return this.begin_without_budget(cx);
        }
        budget::limited(cx, |cx| this.ask(cx))
    }
}

impl<T: Default, G: Gate<T>> Drop for Wait<'_, T, G> {
    #[inline]
    fn drop(&mut self) {
        if self.place.state.get() != State::Idle {
            self.give_up();
        }
    }
}

impl<T: Default, G: Gate<T>> fmt::Debug for Wait<'_, T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("state", &self.place.state.get()).finish_non_exhaustive()
    }
}
