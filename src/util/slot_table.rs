//! A slab whose keys carry a generation: a key that outlives its slot misses instead of hitting
//! the slot's next tenant.

use slab::Slab;

/// Names one tenancy of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    /// The slot; below [`Key::MAX_SLOTS`].
    pub(crate) slot: u32,
    /// Which tenancy of the slot, wrapping at 2³².
    pub(crate) generation: u32,
}

impl Key {
    /// Slots are 24 bits wide, so that slot, generation and an 8-bit kind fit one `user_data`.
    pub(crate) const MAX_SLOTS: usize = 1 << 24;
}

/// A slab with generations beside it.
///
/// Values move when the table grows: nothing that the kernel sees may live in it.
#[derive(Debug)]
pub(crate) struct SlotTable<T> {
    slots: Slab<T>,
    /// One per slot that was ever used; it survives the tenant.
    generations: Vec<u32>,
}

impl<T> Default for SlotTable<T> {
    fn default() -> Self {
        SlotTable { slots: Slab::new(), generations: Vec::new() }
    }
}

impl<T> SlotTable<T> {
    /// Puts a value in, or gives it back if all 2²⁴ slots are taken.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Result<Key, T> {
        if self.slots.len() >= Key::MAX_SLOTS {
            return Err(value);
        }
        let slot = self.slots.insert(value);
        if slot == self.generations.len() {
            self.generations.push(0);
        }
        Ok(Key { slot: slot as u32, generation: self.generations[slot] })
    }

    /// Takes the value out and ends the tenancy; `None` if it had ended before.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        if !self.contains(key) {
            return None;
        }
        let slot = key.slot as usize;
        self.generations[slot] = self.generations[slot].wrapping_add(1);
        Some(self.slots.remove(slot))
    }

    #[inline]
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.generations.get(key.slot as usize) == Some(&key.generation)
            && self.slots.contains(key.slot as usize)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        if self.generations.get(key.slot as usize) != Some(&key.generation) {
            return None;
        }
        self.slots.get_mut(key.slot as usize)
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        if self.generations.get(key.slot as usize) != Some(&key.generation) {
            return None;
        }
        self.slots.get(key.slot as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The keys of all tenants, in slot order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.slots
            .iter()
            .map(|(slot, _)| Key { slot: slot as u32, generation: self.generations[slot] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_misses_the_next_tenant_of_its_slot() {
        let mut table = SlotTable::default();
        let first = table.insert('a').unwrap();
        assert_eq!(table.remove(first), Some('a'));
        let second = table.insert('b').unwrap();
        assert_eq!(first.slot, second.slot);
        assert_eq!(table.get(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get(second), Some(&'b'));
    }
}
