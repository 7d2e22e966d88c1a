//! Blocking code beside a loop.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;

/// What a blocking peer gives, awaited without blocking the loop.
pub(crate) async fn peer<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    start_peer(body).await
}

/// As [`peer`], begun now.
pub(crate) fn start_peer<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> {
    let shared = Arc::new(Mutex::new((None, None::<Waker>)));
    let promise = shared.clone();
    let mut thread = Some(thread::spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(body));
        let mut shared = promise.lock().unwrap();
        shared.0 = Some(outcome);
        if let Some(waiter) = shared.1.take() {
            drop(shared);
            waiter.wake();
        }
    }));
    poll_fn(move |cx| {
        let mut shared = shared.lock().unwrap();
        let Some(outcome) = shared.0.take() else {
            shared.1 = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(shared);
        drop(thread.take().map(|thread| thread.join()));
        Poll::Ready(outcome.unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
