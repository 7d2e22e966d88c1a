//! The smallest first; of equal ones, the oldest.

use std::cell::Cell;

use crate::util::contain::{Payload, catch};

use super::buffer::Buffer;

/// A binary heap that foreign comparisons cannot harm.
///
/// While items are compared all of them are outside of the cell, so that nothing is borrowed and
/// whoever looks in finds it busy. Where an item goes is found out before any is moved: a
/// comparison that panics leaves everything where it was. std's heap would lose the item that it pops.
pub(super) struct Heap<T> {
    entries: Cell<Vec<Entry<T>>>,
    is_busy: Cell<bool>,
    /// How many have ever come.
    count: Cell<u64>,
}

struct Entry<T> {
    item: T,
    number: u64,
}

impl<T: Ord> Entry<T> {
    fn is_before(&self, other: &Entry<T>) -> bool {
        self.item.cmp(&other.item).then(self.number.cmp(&other.number)).is_lt()
    }
}

impl<T> Heap<T> {
    /// Runs code that may compare.
    fn with<R>(&self, code: impl FnOnce(&mut Vec<Entry<T>>) -> R) -> Result<R, Payload> {
        debug_assert!(!self.is_busy.get());
        self.is_busy.set(true);
        let mut entries = self.entries.take();
        let result = catch(|| code(&mut entries));
        self.entries.set(entries);
        self.is_busy.set(false);
        result
    }

    fn entry(&self, item: T) -> Entry<T> {
        let number = self.count.get();
        self.count.set(number + 1);
        Entry { item, number }
    }
}

impl<T> Default for Heap<T> {
    fn default() -> Self {
        Heap { entries: Cell::default(), is_busy: Cell::new(false), count: Cell::new(0) }
    }
}

impl<T: Ord> Buffer<T> for Heap<T> {
    const COMPARES: bool = true;

    fn is_busy(&self) -> bool {
        self.is_busy.get()
    }

    fn push(&self, item: T) -> Result<(), Payload> {
        let entry = self.entry(item);
        self.with(|entries| {
            entries.push(entry);
            rise(entries);
        })
    }

    fn pop(&self, _reserved: usize) -> Result<Option<T>, Payload> {
        self.with(|entries| remove_first(entries).map(|entry| entry.item))
    }

    fn restore(&self, item: T) {
        let mut entries = self.entries.take();
        entries.push(self.entry(item));
        self.entries.set(entries);
    }

    fn take(&self) -> Self {
        Heap { entries: Cell::new(self.entries.take()), ..Heap::default() }
    }
}

/// Moves the last entry to where it belongs.
fn rise<T: Ord>(entries: &mut [Entry<T>]) {
    let last = entries.len() - 1;
    let mut place = last;
    while place > 0 && entries[last].is_before(&entries[parent(place)]) {
        place = parent(place);
    }
    let mut at = last;
    while at > place {
        entries.swap(at, parent(at));
        at = parent(at);
    }
}

/// Removes the first entry, and the last one takes its place or one further down.
fn remove_first<T: Ord>(entries: &mut Vec<Entry<T>>) -> Option<Entry<T>> {
    let last = entries.len().checked_sub(1)?;
    let mut place = 0;
    while let Some(child) = smaller_child(&entries[..last], place)
        && entries[child].is_before(&entries[last])
    {
        place = child;
    }
    // Each on the way moves up by one; the first comes to stand at the end.
    entries.swap(place, last);
    while place > 0 {
        place = parent(place);
        entries.swap(place, last);
    }
    entries.pop()
}

fn smaller_child<T: Ord>(entries: &[Entry<T>], of: usize) -> Option<usize> {
    let (left, right) = (2 * of + 1, 2 * of + 2);
    if right < entries.len() && entries[right].is_before(&entries[left]) {
        return Some(right);
    }
    (left < entries.len()).then_some(left)
}

fn parent(of: usize) -> usize {
    (of - 1) / 2
}
