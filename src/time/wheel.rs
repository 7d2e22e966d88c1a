//! A hierarchical timing wheel: arm and cancel in constant time, however many timers there are.
//!
//! Time is cut into ticks. Read a tick's number in base 256: a timer stands on the level of the
//! highest digit in which its tick differs from the present one, in the slot which that digit
//! names. So level 0 holds the present 256 ticks, one per slot, level 1 the present 256 × 256, and so
//! on up to the end of the clock; no slot ever holds timers of two rounds, and the first occupied
//! slot of the lowest occupied level is the next one in time. When time enters a slot of an upper
//! level, its timers move down (they *cascade*), at most once per level in a timer's life.
//!
//! A slot of level 0 fires as a whole, once its **latest** deadline has passed. So timers are never
//! early, at most a tick late, exact where one stands alone, and those of one tick cost one
//! wake-up of the loop. For an upper slot the **earliest** deadline is kept: the loop can sleep
//! until then, not only until the slot begins. Both marks may be stale after a cancel; that costs
//! a look too many at the worst, never one too few.
//!
//! A heap was rejected for its logarithmic arm and cancel: most timers are timeouts that never
//! fire.

use std::mem;
use std::task::Waker;

use crate::util::{Key, SlotTable, WakeBatch, prefetch};

/// Per level. Many slots are few levels, and so few moves of each timer, each of which is likely to
/// find it out of the cache.
const SLOTS: usize = 256;
/// Bytes of what a waker points to that will be looked at when it is woken: of a task, the header
/// and the beginning of its future. Whoever has slept has left the cache.
const WOKEN: usize = 256;
const WORD: usize = u64::BITS as usize;
/// Bits of the tick's number per level.
const DIGIT: u32 = SLOTS.trailing_zeros();

#[derive(Debug)]
pub(super) struct Wheel {
    timers: SlotTable<Timer>,
    /// [`SLOTS`] per level, lowest level first, and at the end the one of the timers that were past
    /// when they were armed.
    slots: Box<[Slot]>,
    /// A bit per slot.
    occupied: Box<[u64]>,
    /// The time up to which timers have fired, in nanoseconds.
    now: u64,
    /// Before this there is nothing to do, so that a turn need not look. It may be too early.
    quiet_until: u64,
    /// A tick has 2 to the power of this nanoseconds.
    tick_bits: u32,
}

#[derive(Debug)]
struct Timer {
    deadline: u64,
    waker: Waker,
    /// Index of the slot in whose list this timer stands.
    place: u32,
    prev: Key,
    next: Key,
}

/// A list of timers, in the order in which they came.
#[derive(Clone, Copy, Debug)]
struct Slot {
    head: Key,
    tail: Key,
    /// When the loop must look here: level 0 the latest deadline, above it the earliest.
    look_at: u64,
}

const EMPTY: Slot = Slot { head: Key::NONE, tail: Key::NONE, look_at: 0 };

fn is_nil(key: Key) -> bool {
    key == Key::NONE
}

const LINKED: &str = "a linked timer is in the table";

impl Wheel {
    /// Starts at `now`, in nanoseconds, with ticks of 2 to the power of `tick_bits` nanoseconds.
    pub(super) fn new(now: u64, tick_bits: u32) -> Self {
        let levels = (u64::BITS - tick_bits).div_ceil(DIGIT) as usize;
        Wheel {
            timers: SlotTable::default(),
            slots: vec![EMPTY; levels * SLOTS + 1].into(),
            occupied: vec![0; levels * SLOTS / WORD + 1].into(),
            now,
            quiet_until: u64::MAX,
            tick_bits,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether the deadline is past, or so near that it may be when the clock is read again.
    #[inline]
    pub(super) fn is_near(&self, deadline: u64) -> bool {
        deadline >> self.tick_bits <= self.now >> self.tick_bits
    }

    /// Adds a timer; `past` if it must fire the next time, whatever the time is then. Gives the
    /// waker back if the table is full.
    #[inline]
    pub(super) fn arm(&mut self, deadline: u64, past: bool, waker: Waker) -> Result<Key, Waker> {
        let place = if past { self.past() } else { self.place(deadline) };
        let prev = self.slots[place].tail;
        let timer = Timer { deadline, waker, place: place as u32, prev, next: Key::NONE };
        let key = self.timers.insert(timer).map_err(|timer| timer.waker)?;
        self.heed(deadline, past);
        self.append(key, place, prev, deadline);
        Ok(key)
    }

    /// Takes a timer out; `None` if it has fired.
    #[inline]
    pub(super) fn cancel(&mut self, key: Key) -> Option<Waker> {
        let Timer { waker, place, prev, next, .. } = self.timers.remove(key)?;
        self.unlink(place as usize, prev, next);
        Some(waker)
    }

    /// Gives a timer a new deadline; false if it has fired.
    pub(super) fn move_to(&mut self, key: Key, deadline: u64, past: bool) -> bool {
        let Some(timer) = self.timers.get_mut(key) else {
            return false;
        };
        let (place, prev, next) = (timer.place as usize, timer.prev, timer.next);
        timer.deadline = deadline;
        self.unlink(place, prev, next);
        self.link(key, deadline, past);
        true
    }

    /// Whether the timer is still armed.
    pub(super) fn holds(&self, key: Key) -> bool {
        self.timers.contains(key)
    }

    /// The waker of a timer; `None` if it has fired.
    #[inline]
    pub(super) fn waker(&mut self, key: Key) -> Option<&mut Waker> {
        self.timers.get_mut(key).map(|timer| &mut timer.waker)
    }

    /// When [`fire`](Wheel::fire) has something to do next; no timer's deadline is missed by
    /// more than a tick if it is called then.
    #[inline]
    pub(super) fn next(&self) -> Option<u64> {
        if self.timers.is_empty() {
            return None;
        }
        if !is_nil(self.slots[self.past()].head) {
            return Some(self.now);
        }
        self.first().map(|place| self.slots[place].look_at)
    }

    /// Lets time go on to `now` if there is nothing to do until then; else says that
    /// [`fire`](Wheel::fire) has to.
    #[inline]
    pub(super) fn is_quiet(&mut self, now: u64) -> bool {
        let is_quiet = now < self.quiet_until;
        if is_quiet {
            self.now = self.now.max(now);
        }
        is_quiet
    }

    /// Takes out what is due at `now`: by tick, and in the order of arming within one.
    pub(super) fn fire(&mut self, now: u64, wakes: &mut WakeBatch) -> usize {
        let before = self.timers.len();
        let now = now.max(self.now);
        if self.is_quiet(now) {
            return 0;
        }
        self.quiet_until = u64::MAX;
        while let Some(place) = self.first() {
            let begins = self.begins(place);
            let lowest = place < SLOTS;
            let next = if lowest { self.slots[place].look_at } else { begins };
            if now < next {
                self.quiet_until = next;
                break;
            }
            self.now = self.now.max(begins);
            let head = self.take(place);
            if lowest {
                self.fire_list(head, wakes);
            } else {
                self.cascade(head);
            }
        }
        self.now = now;
        // Last, so that equal deadlines fire in the order of arming.
        let past = self.take(self.past());
        self.fire_list(past, wakes);
        before - self.timers.len()
    }

    /// Takes everything out and gives the memory back.
    pub(super) fn clear(&mut self, wakes: &mut Vec<Waker>) {
        let mut timers = mem::take(&mut self.timers);
        let keys: Vec<Key> = timers.keys().collect();
        wakes.extend(keys.into_iter().filter_map(|key| timers.remove(key)).map(|it| it.waker));
        self.slots.fill(EMPTY);
        self.occupied.fill(0);
        self.quiet_until = u64::MAX;
    }

    /// Takes a chain of timers out of the table. They are linked to no slot any more.
    fn fire_list(&mut self, mut key: Key, wakes: &mut WakeBatch) {
        while !is_nil(key) {
            let timer = self.timers.remove(key).expect(LINKED);
            prefetch(timer.waker.data(), WOKEN);
            wakes.push(timer.waker);
            key = timer.next;
        }
    }

    /// Places a chain of timers anew, one level or more below where they came from.
    fn cascade(&mut self, mut key: Key) {
        while !is_nil(key) {
            let timer = self.timers.get_mut(key).expect(LINKED);
            let (next, deadline) = (timer.next, timer.deadline);
            self.link(key, deadline, false);
            key = next;
        }
    }

    /// A timer ends the quiet with its deadline, or with the round of the lowest level: no slot of
    /// another begins before that.
    #[inline]
    fn heed(&mut self, deadline: u64, past: bool) {
        let round = self.tick_bits + DIGIT;
        let next_round = ((self.now >> round) + 1) << round;
        let next = if past { 0 } else { deadline.min(next_round) };
        self.quiet_until = self.quiet_until.min(next);
    }

    /// Puts a timer into the slot where its deadline belongs.
    fn link(&mut self, key: Key, deadline: u64, past: bool) {
        let place = if past { self.past() } else { self.place(deadline) };
        let prev = self.slots[place].tail;
        let timer = self.timers.get_mut(key).expect(LINKED);
        (timer.place, timer.prev, timer.next) = (place as u32, prev, Key::NONE);
        self.heed(deadline, past);
        self.append(key, place, prev, deadline);
    }

    /// Makes a timer, which knows it already, the last of a slot's list.
    #[inline]
    fn append(&mut self, key: Key, place: usize, prev: Key, deadline: u64) {
        let slot = &mut self.slots[place];
        slot.tail = key;
        if is_nil(prev) {
            slot.head = key;
            slot.look_at = deadline;
            self.occupied[place / WORD] |= 1 << (place % WORD);
        } else {
            let outer = if place < SLOTS { u64::max } else { u64::min };
            slot.look_at = outer(slot.look_at, deadline);
            self.timers.get_mut(prev).expect(LINKED).next = key;
        }
    }

    #[inline]
    fn unlink(&mut self, place: usize, prev: Key, next: Key) {
        let slot = &mut self.slots[place];
        if is_nil(prev) {
            slot.head = next;
        } else {
            self.timers.get_mut(prev).expect(LINKED).next = next;
        }
        if is_nil(next) {
            slot.tail = prev;
        } else {
            self.timers.get_mut(next).expect(LINKED).prev = prev;
        }
        if is_nil(slot.head) {
            self.occupied[place / WORD] &= !(1 << (place % WORD));
        }
    }

    /// Empties a slot and gives the first of its timers.
    #[inline]
    fn take(&mut self, place: usize) -> Key {
        self.occupied[place / WORD] &= !(1 << (place % WORD));
        mem::replace(&mut self.slots[place], EMPTY).head
    }

    /// Where a deadline belongs that is not in an earlier tick than the present.
    #[inline]
    fn place(&self, deadline: u64) -> usize {
        let tick = deadline >> self.tick_bits;
        let differing = (tick ^ (self.now >> self.tick_bits)) | 1;
        let level = differing.ilog2() / DIGIT;
        let digit = (tick >> (level * DIGIT)) as usize % SLOTS;
        level as usize * SLOTS + digit
    }

    /// When a slot begins, in nanoseconds: the present up to the slot's level, then its digit.
    #[inline]
    fn begins(&self, place: usize) -> u64 {
        let shift = self.tick_bits + (place / SLOTS) as u32 * DIGIT;
        let above = u64::MAX.checked_shl(shift + DIGIT).unwrap_or(0);
        self.now & above | ((place % SLOTS) as u64) << shift
    }

    /// The occupied slot that is next in time.
    #[inline]
    fn first(&self) -> Option<usize> {
        let words = &self.occupied[..self.occupied.len() - 1];
        let word = words.iter().position(|&slots| slots != 0)?;
        Some(word * WORD + words[word].trailing_zeros() as usize)
    }

    /// The slot of the timers that were past when they were armed.
    #[inline]
    fn past(&self) -> usize {
        self.slots.len() - 1
    }
}
