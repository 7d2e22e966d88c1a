//! How long an operation takes, and what it allocates.

use std::time::Instant;

use crate::allocator;
use crate::sample::Sample;
use crate::slice::Slice;

/// Repeats a batch of operations for as long as its slice says, after a warm-up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter(pub(super) Slice);

impl Meter {
    /// Nanoseconds and allocations of this thread, for each of the `operations` of a batch.
    pub(super) async fn of(self, operations: u32, mut batch: impl AsyncFnMut()) -> Sample {
        let began = Instant::now();
        while began.elapsed() < self.0.warm_up {
            batch().await;
        }
        let before = allocator::heap().allocations;
        let (began, mut batches) = (Instant::now(), 0_u32);
        while began.elapsed() < self.0.length {
            batch().await;
            batches += 1;
        }
        let time = began.elapsed();
        let allocations = allocator::heap().allocations - before;
        let count = f64::from(batches) * f64::from(operations);
        Sample::default()
            .with("time", time.as_nanos() as f64 / count)
            .with("allocations", allocations as f64 / count)
    }
}
