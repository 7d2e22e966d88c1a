//! Received bytes that wait for a reader.

use std::cell::RefCell;
use std::mem::{MaybeUninit, forget, replace};
use std::num::NonZero;

use super::Chunk;
use super::core::Driver;

/// What the transports of a loop have received ahead of their readers. Of many connections few have
/// anything here at a time: they share the places.
#[derive(Debug, Default)]
pub(super) struct ReadAheads(RefCell<Places>);

#[derive(Debug, Default)]
struct Places {
    all: Vec<Place>,
    /// The free place that is used next.
    free: Option<Index>,
    /// How many are not free.
    taken: usize,
    /// How many have memory of the pool.
    leases: usize,
    /// The place that is looked at next for such memory.
    looked_at: usize,
}

/// More places than that do not outlive their use.
const KEEP: usize = 1024;

/// So many places are looked at in a turn in which the pool is low: there may be millions, of peers who send
/// byte by byte to somebody who does not read.
const LOOK: usize = 4096;

#[derive(Debug)]
struct Place {
    /// Empty if it is free.
    chunk: Chunk,
    /// The place of the chunk behind it, in a ring; or the free place behind it.
    next: Option<Index>,
}

/// The number of a place plus one.
type Index = NonZero<u32>;

impl Places {
    fn at(&mut self, index: Index) -> &mut Place {
        &mut self.all[index.get() as usize - 1]
    }

    #[inline]
    fn put(&mut self, chunk: Chunk) -> Index {
        self.taken += 1;
        self.leases += usize::from(chunk.is_leased());
        let Some(index) = self.free else { return self.put_behind(chunk) };
        let place = self.at(index);
        // A free one has nothing to drop.
        forget(replace(&mut place.chunk, chunk));
        self.free = place.next;
        index
    }

    #[cold]
    fn put_behind(&mut self, chunk: Chunk) -> Index {
        self.all.push(Place { chunk, next: None });
        let number = u32::try_from(self.all.len()).ok().and_then(Index::new);
        number.expect("a chunk takes 32 bytes: there is no memory for so many")
    }

    /// The chunk, and which place is behind it.
    #[inline]
    fn take(&mut self, index: Index) -> (Chunk, Option<Index>) {
        let free = self.free.replace(index);
        let place = self.at(index);
        let chunk = replace(&mut place.chunk, Chunk::empty());
        let next = replace(&mut place.next, free);
        self.taken -= 1;
        self.leases -= usize::from(chunk.is_leased());
        if self.taken == 0 && self.all.len() > KEEP {
            *self = Places::default();
        }
        (chunk, next)
    }

    fn give_leases_back(&mut self) {
        for _ in 0..self.all.len().min(LOOK) {
            if self.leases == 0 {
                return;
            }
            self.looked_at = (self.looked_at + 1) % self.all.len();
            let chunk = &mut self.all[self.looked_at].chunk;
            if chunk.is_leased() {
                *chunk = Chunk::copy_of(chunk);
                self.leases -= 1;
            }
        }
    }
}

impl ReadAheads {
    /// The pool is low: leased bytes are copied to the heap, so that unread bytes cannot hold it.
    pub(super) fn give_leases_back(&self) {
        self.0.borrow_mut().give_leases_back();
    }
}

/// What one transport has received ahead: chunks in the order of arrival, which the driver keeps.
///
/// Who drops it has cleared it; else the driver keeps the chunks until it is dropped itself.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    /// The last one of the ring. The first one is behind it.
    last: Option<Index>,
}

impl ReadAhead {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    #[inline]
    pub(crate) fn push(&mut self, driver: &Driver, chunk: Chunk) {
        self.last = Some(self.insert(driver, chunk));
    }

    /// Bytes that were taken too early go back to the front.
    pub(crate) fn put_back(&mut self, driver: &Driver, chunk: Chunk) {
        if !chunk.is_empty() {
            let first = self.insert(driver, chunk);
            self.last = self.last.or(Some(first));
        }
    }

    /// Puts a chunk between the last and the first.
    #[inline]
    fn insert(&mut self, driver: &Driver, chunk: Chunk) -> Index {
        let mut places = driver.read_ahead.0.borrow_mut();
        let new = places.put(chunk);
        let first = match self.last {
            Some(last) => places.at(last).next.replace(new),
            None => Some(new),
        };
        places.at(new).next = first;
        new
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self, driver: &Driver) -> Option<Chunk> {
        let last = self.last?;
        self.pop_before(last, driver)
    }

    fn pop_before(&mut self, last: Index, driver: &Driver) -> Option<Chunk> {
        let mut places = driver.read_ahead.0.borrow_mut();
        let first = places.at(last).next?;
        let (chunk, second) = places.take(first);
        if first == last {
            self.last = None;
        } else {
            places.at(last).next = second;
        }
        Some(chunk)
    }

    /// Moves bytes to the front of `target`; returns how many.
    pub(crate) fn copy_to(&mut self, driver: &Driver, target: &mut [MaybeUninit<u8>]) -> usize {
        let mut copied = 0;
        while copied < target.len() {
            let Some(mut chunk) = self.pop(driver) else { break };
            let n = chunk.len().min(target.len() - copied);
            for (to, from) in target[copied..copied + n].iter_mut().zip(chunk.iter()) {
                to.write(*from);
            }
            copied += n;
            chunk.advance(n);
            self.put_back(driver, chunk);
        }
        copied
    }

    /// All of it, in one piece.
    pub(crate) fn take_all(&mut self, driver: &Driver) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = self.pop(driver) {
            all.extend_from_slice(&chunk);
        }
        all
    }

    pub(crate) fn clear(&mut self, driver: &Driver) {
        while let Some(chunk) = self.pop(driver) {
            drop(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::driver::Config;

    use super::*;

    fn chunk(text: &str) -> Chunk {
        Chunk::copy_of(text.as_bytes())
    }

    #[test]
    fn each_transport_has_its_own_in_order() {
        let driver = Driver::new(&Config::default()).unwrap();
        let (mut one, mut other) = (ReadAhead::default(), ReadAhead::default());
        for (left, right) in [("a", "1"), ("b", "2"), ("c", "3")] {
            one.push(&driver, chunk(left));
            other.push(&driver, chunk(right));
        }
        let first = one.pop(&driver).unwrap();
        one.put_back(&driver, first);
        one.put_back(&driver, chunk("_"));
        assert_eq!(one.take_all(&driver), b"_abc");
        other.push(&driver, chunk("4"));
        assert_eq!(other.take_all(&driver), b"1234");
        assert!(one.is_empty() && other.is_empty());
        assert!(one.pop(&driver).is_none());
        one.put_back(&driver, chunk("alone"));
        assert_eq!(one.take_all(&driver), b"alone");
        driver.close();
    }

    #[test]
    fn places_are_used_again() {
        let driver = Driver::new(&Config::default()).unwrap();
        let mut ahead = ReadAhead::default();
        for _ in 0..3 {
            (0..5).for_each(|_| ahead.push(&driver, chunk("x")));
            ahead.clear(&driver);
        }
        assert_eq!(driver.read_ahead.0.borrow().all.len(), 5);
        driver.close();
    }

    #[test]
    fn what_does_not_fit_stays() {
        let driver = Driver::new(&Config::default()).unwrap();
        let mut ahead = ReadAhead::default();
        ahead.push(&driver, chunk("one"));
        ahead.push(&driver, chunk("two"));
        let mut target = [MaybeUninit::new(0); 4];
        assert_eq!(ahead.copy_to(&driver, &mut target), 4);
        assert_eq!(ahead.take_all(&driver), b"wo");
        driver.close();
    }

    #[test]
    fn many_places_do_not_outlive_their_use() {
        let driver = Driver::new(&Config::default()).unwrap();
        let mut ahead = ReadAhead::default();
        (0..2 * KEEP).for_each(|_| ahead.push(&driver, chunk("x")));
        ahead.clear(&driver);
        assert!(driver.read_ahead.0.borrow().all.capacity() <= KEEP);
        ahead.push(&driver, chunk("y"));
        assert_eq!(ahead.take_all(&driver), b"y");
        driver.close();
    }

    #[test]
    fn leases_are_found_among_many_places() {
        let driver =
            Driver::new(&Config { buffers: Some((4, 4096)), ..Config::default() }).unwrap();
        let lease = |bid| driver.pool().take(bid, 8, false).filter(|chunk| chunk.is_leased());
        let (mut busy, mut slow) = (ReadAhead::default(), ReadAhead::default());
        let mut passing = lease(0).unwrap();
        (0..2 * LOOK).for_each(|_| slow.push(&driver, chunk("drip")));
        slow.push(&driver, lease(1).unwrap());
        for _ in 0..3 {
            busy.push(&driver, passing);
            passing = busy.pop(&driver).unwrap();
        }
        let places = || driver.read_ahead.0.borrow();
        assert_eq!(places().leases, 1);
        // So many places take some turns.
        (0..3).for_each(|_| driver.read_ahead.give_leases_back());
        assert_eq!(places().leases, 0);
        let mut copied = None;
        while let Some(next) = slow.pop(&driver) {
            copied = Some(next);
        }
        assert!(copied.is_some_and(|last| last.len() == 8 && !last.is_leased()));
        drop(passing);
        driver.close();
    }
}
