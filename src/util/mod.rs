//! Floor 1: small parts that know neither the ring nor tasks.

pub(crate) mod budget;
pub(crate) mod contain;
pub(crate) mod counter;
pub(crate) mod graveyard;
pub(crate) mod heap;
pub(crate) mod leave;
pub(crate) mod lent;
pub(crate) mod link;
pub(crate) mod prefetch;
pub(crate) mod slot_table;
pub(crate) mod sync;
pub(crate) mod wake_batch;

pub(crate) use counter::Counter;
pub(crate) use graveyard::Graveyard;
pub(crate) use lent::{Lent, Shelf};
pub(crate) use prefetch::prefetch;
pub(crate) use slot_table::{Key, SlotTable};
pub(crate) use wake_batch::WakeBatch;
