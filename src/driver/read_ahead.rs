//! Received bytes that wait for a reader.

use std::cell::{Cell, RefCell};
use std::mem::{MaybeUninit, replace};
use std::num::NonZero;

use super::Chunk;
use super::core::Driver;

/// What the transports of a loop have received ahead of their readers. Of many connections few have
/// anything here at a time, and each of those little more than one chunk: they share the places.
#[derive(Debug, Default)]
pub(super) struct ReadAheads {
    places: RefCell<Places>,
    /// Memory of the pool was put here since it was last asked back.
    has_leases: Cell<bool>,
}

#[derive(Debug, Default)]
struct Places {
    all: Vec<Place>,
    /// The free place that is used next.
    free: Option<Index>,
}

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
        let Some(index) = self.free else { return self.put_behind(chunk) };
        let place = self.at(index);
        // A free one has nothing to drop.
        std::mem::forget(replace(&mut place.chunk, chunk));
        self.free = place.next;
        index
    }

    #[cold]
    fn put_behind(&mut self, chunk: Chunk) -> Index {
        self.all.push(Place { chunk, next: None });
        let number = u32::try_from(self.all.len()).ok().and_then(Index::new);
        number.expect("a chunk takes 32 bytes: there is no memory for so many")
    }

    #[inline]
    fn take(&mut self, index: Index) -> (Chunk, Option<Index>) {
        let free = self.free.replace(index);
        let place = self.at(index);
        (replace(&mut place.chunk, Chunk::empty()), replace(&mut place.next, free))
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
        if chunk.is_leased() {
            driver.read_ahead.has_leases.set(true);
        }
        let mut places = driver.read_ahead.places.borrow_mut();
        let new = places.put(chunk);
        let first = match self.last {
            Some(last) => places.at(last).next.replace(new),
            None => Some(new),
        };
        places.at(new).next = first;
        new
    }

    #[inline]
    pub(crate) fn pop(&mut self, driver: &Driver) -> Option<Chunk> {
        let last = self.last?;
        let mut places = driver.read_ahead.places.borrow_mut();
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

impl ReadAheads {
    /// Copies leased bytes to the heap, so that unread bytes cannot hold the pool.
    pub(super) fn give_leases_back(&self) {
        if !self.has_leases.replace(false) {
            return;
        }
        for place in &mut self.places.borrow_mut().all {
            if place.chunk.is_leased() {
                place.chunk = Chunk::copy_of(&place.chunk);
            }
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
        assert_eq!(driver.read_ahead.places.borrow().all.len(), 5);
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
}
