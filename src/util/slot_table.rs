//! A slab whose keys carry a generation: a key that outlives its slot misses instead of hitting
//! the slot's next tenant.

use std::mem::forget;

/// Names one tenancy of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    /// The slot; below [`Key::MAX_SLOTS`].
    pub(crate) slot: u32,
    /// Which tenancy of the slot, wrapping at 2³².
    pub(crate) generation: u32,
}

impl Key {
    /// Names nothing.
    pub(crate) const NONE: Key = Key { slot: u32::MAX, generation: 0 };

    /// No table has more slots at once.
    pub(crate) const MAX_SLOTS: usize = u32::MAX as usize;
}

/// Values in slots, the free ones linked, last in, first out.
///
/// The `slab` crate would need the generations in a second vector, for they outlive the values:
/// here a look-up touches one cache line.
///
/// Values move when the table grows: nothing that the kernel sees may live in it.
#[derive(Debug)]
pub(crate) struct SlotTable<T> {
    slots: Vec<Slot<T>>,
    /// The free slot that is used next, or the number of slots.
    free: u32,
    len: usize,
}

/// A table grows by so many slots at least, and by an eighth.
const LEAST: usize = 64;

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    /// While it is free: the free slot after this one, or the number of slots at that time.
    next: u32,
    value: Option<T>,
}

impl<T> Default for SlotTable<T> {
    fn default() -> Self {
        SlotTable { slots: Vec::new(), free: 0, len: 0 }
    }
}

impl<T> SlotTable<T> {
    /// Puts a value in, or gives it back if all [`Key::MAX_SLOTS`] are taken.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Result<Key, T> {
        self.insert_with(Key::MAX_SLOTS, || value).map_err(|make| make())
    }

    /// Makes a value where it is to be, or gives back what makes it if `most` slots are taken.
    #[inline]
    pub(crate) fn insert_with<F>(&mut self, most: usize, make: F) -> Result<Key, F>
    where
        F: FnOnce() -> T,
    {
        let slot = self.free;
        let free = match self.slots.get_mut(slot as usize) {
            Some(free) => free,
            None if slot as usize >= most => return Err(make),
            None => Self::add_free(&mut self.slots),
        };
        // A free slot has no value: without a look for one to drop.
        forget(free.value.replace(make()));
        self.free = free.next;
        self.len += 1;
        Ok(Key { slot, generation: free.generation })
    }

    #[cold]
    fn add_free(slots: &mut Vec<Slot<T>>) -> &mut Slot<T> {
        let slot = slots.len();
        if slot == slots.capacity() {
            // A table grows seldom, and may stay as it is for long.
            slots.reserve_exact((slot / 8).max(LEAST));
        }
        slots.push(Slot { generation: 0, next: slot as u32 + 1, value: None });
        &mut slots[slot]
    }

    /// Takes the value out and ends the tenancy; `None` if it had ended before.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        self.tenant(key)?.leave()
    }

    /// The tenant that the key names, to look at first and then perhaps to remove.
    #[inline]
    pub(crate) fn tenant(&mut self, key: Key) -> Option<Tenant<'_, T>> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        Some(Tenant { slot, number: key.slot, free: &mut self.free, len: &mut self.len })
    }

    #[inline]
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.generation == key.generation { slot.value.as_mut() } else { None }
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.slot as usize)?;
        if slot.generation == key.generation { slot.value.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The keys of all tenants, in slot order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let taken = self.slots.iter().enumerate().filter(|(_, slot)| slot.value.is_some());
        taken.map(|(slot, it)| Key { slot: slot as u32, generation: it.generation })
    }
}

/// A slot whose generation is that of a key.
pub(crate) struct Tenant<'a, T> {
    slot: &'a mut Slot<T>,
    number: u32,
    free: &'a mut u32,
    len: &'a mut usize,
}

impl<T> Tenant<'_, T> {
    /// The value, if the tenancy has not ended.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<&mut T> {
        self.slot.value.as_mut()
    }

    /// Takes the value out and ends the tenancy; `None` if it had ended before.
    #[inline]
    pub(crate) fn leave(self) -> Option<T> {
        let value = self.slot.value.take()?;
        self.slot.generation = self.slot.generation.wrapping_add(1);
        self.slot.next = *self.free;
        *self.free = self.number;
        *self.len -= 1;
        Some(value)
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
        assert_eq!(table.remove(first), None);
        let second = table.insert('b').unwrap();
        assert_eq!(first.slot, second.slot);
        assert_eq!(table.get(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get(second), Some(&'b'));
    }

    #[test]
    fn a_table_has_no_more_slots_than_its_user_wants() {
        let mut table = SlotTable::default();
        let key = table.insert_with(1, || 'a').ok().unwrap();
        assert_eq!(table.insert_with(1, || 'b').err().map(|make| make()), Some('b'));
        assert_eq!(table.remove(key), Some('a'));
        assert!(table.insert_with(1, || 'c').is_ok());
    }

    #[test]
    fn free_slots_are_used_again_the_last_one_first() {
        let mut table = SlotTable::default();
        let keys: Vec<Key> = (0..4).map(|n| table.insert(n).unwrap()).collect();
        assert_eq!([table.remove(keys[1]), table.remove(keys[3])], [Some(1), Some(3)]);
        assert_eq!((table.len(), table.keys().count()), (2, 2));
        let slots = [4, 5, 6].map(|n| table.insert(n).unwrap().slot);
        assert_eq!(slots, [3, 1, 4]);
        assert_eq!(
            table.keys().map(|key| *table.get(key).unwrap()).collect::<Vec<_>>(),
            [0, 5, 2, 4, 6]
        );
    }
}
