//! No-ops through ringio's ring.

use crate::sample::Sample;

use super::meter::Meter;

/// Operations in flight, where there are many.
pub(super) const MANY: u32 = 64;

/// One task for each operation in flight.
pub(super) async fn of_ringio(meter: Meter, in_flight: u32) -> Sample {
    const TIMES: u32 = 200;
    let mut tasks = Vec::with_capacity(in_flight as usize);
    let task = async || {
        for _ in 0..TIMES {
            ringio::op::nop().await.expect("the ring takes it");
        }
    };
    meter
        .of(in_flight * TIMES, async || {
            tasks.extend((0..in_flight).map(|_| ringio::spawn(task())));
            for task in tasks.drain(..) {
                task.await.expect("it does nothing");
            }
        })
        .await
}
