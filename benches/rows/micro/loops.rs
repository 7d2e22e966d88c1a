//! There and back between two loops, each on a thread and a CPU of its own.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::machine;
use crate::sample::Sample;

use super::meter::Meter;
use super::runtime::{Runtime, yield_now};

static OVER: AtomicBool = AtomicBool::new(false);

/// With `busy`, each loop has another task that yields all the time, so that it never parks.
pub(super) fn there_and_back<R: Runtime>(
    meter: Meter,
    cpus: &[usize],
    busy: bool,
) -> io::Result<Sample> {
    const BATCH: u32 = 50;
    let cpu = *cpus.get(1).ok_or_else(|| io::Error::other("two loops need two CPUs"))?;
    let ((there, mut heard), (answer, mut back)) = (R::bridge(), R::bridge());
    let other = thread::spawn(move || -> io::Result<()> {
        machine::pin(cpu)?;
        R::run(async move {
            keep_busy::<R>(busy);
            while let Some(message) = R::receive(&mut heard).await {
                R::send(&answer, message).await;
            }
        })
    });
    let sample = R::run(async {
        keep_busy::<R>(busy);
        let sample = meter
            .of(BATCH, async || {
                for i in 0..BATCH {
                    R::send(&there, i).await;
                    assert_eq!(R::receive(&mut back).await, Some(i));
                }
            })
            .await;
        OVER.store(true, Ordering::Relaxed);
        drop(there);
        sample
    })?;
    other.join().map_err(|_| io::Error::other("the other loop has panicked"))??;
    Ok(sample)
}

fn keep_busy<R: Runtime>(busy: bool) {
    if busy {
        drop(R::spawn(async {
            while !OVER.load(Ordering::Relaxed) {
                yield_now().await;
            }
        }));
    }
}
