//! There and back between two loops, each on a thread and a CPU of its own.

use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

use crate::machine;
use crate::sample::Sample;

use super::meter::Meter;
use super::runtime::{Runtime, yield_now};

/// A flag that one thread raises and a task of another takes. The same on both sides, so that the
/// wake-ups are compared and nothing else.
#[derive(Default)]
struct Signal(Mutex<(bool, Option<Waker>)>);

impl Signal {
    fn lock(&self) -> MutexGuard<'_, (bool, Option<Waker>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn raise(&self) {
        let waiting = {
            let mut signal = self.lock();
            signal.0 = true;
            signal.1.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    async fn raised(&self) {
        poll_fn(|cx| {
            let mut signal = self.lock();
            if std::mem::take(&mut signal.0) {
                return Poll::Ready(());
            }
            signal.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

static THERE: Signal = Signal(Mutex::new((false, None)));
static BACK: Signal = Signal(Mutex::new((false, None)));
static OVER: AtomicBool = AtomicBool::new(false);

/// With `busy`, each loop has another task that yields all the time, so that it never parks.
pub(super) fn there_and_back<R: Runtime>(
    meter: Meter,
    cpus: &[usize],
    busy: bool,
) -> io::Result<Sample> {
    const BATCH: u32 = 50;
    let cpu = *cpus.get(1).ok_or_else(|| io::Error::other("two loops need two CPUs"))?;
    let other = thread::spawn(move || -> io::Result<()> {
        machine::pin(cpu)?;
        R::run(async {
            keep_busy::<R>(busy);
            loop {
                THERE.raised().await;
                if OVER.load(Ordering::Relaxed) {
                    return;
                }
                BACK.raise();
            }
        })
    });
    let sample = R::run(async {
        keep_busy::<R>(busy);
        let sample = meter
            .of(BATCH, async || {
                for _ in 0..BATCH {
                    THERE.raise();
                    BACK.raised().await;
                }
            })
            .await;
        OVER.store(true, Ordering::Relaxed);
        THERE.raise();
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
