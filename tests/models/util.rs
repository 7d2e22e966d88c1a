//! `src/util`, as far as it is needed, with the files that hide what is shared in our form.

#[path = "../../src/util/budget.rs"]
pub(crate) mod budget;
#[path = "../../src/util/contain.rs"]
pub(crate) mod contain;
#[path = "../../src/util/counter.rs"]
pub(crate) mod counter;
#[path = "heap.rs"]
pub(crate) mod heap;
#[path = "../../src/util/leave.rs"]
pub(crate) mod leave;
#[path = "link.rs"]
pub(crate) mod link;
#[path = "../../src/util/slot_table.rs"]
pub(crate) mod slot_table;
#[path = "sync.rs"]
pub(crate) mod sync;
#[path = "../../src/util/wake_batch.rs"]
pub(crate) mod wake_batch;

pub(crate) use counter::Counter;
pub(crate) use slot_table::{Key, SlotTable};
pub(crate) use wake_batch::WakeBatch;
