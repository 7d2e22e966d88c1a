//! Letting the others run.

use std::future::poll_fn;
use std::task::Poll;

/// Lets every other task that is ready run before the caller goes on.
///
/// ```
/// ringio::run(async {
///     let other = ringio::spawn(async {});
///     ringio::yield_now().await;
///     assert!(other.is_finished());
/// });
/// ```
///
/// # Cancel safety
/// Nothing is lost when the future is dropped.
#[doc(alias = "sleep(0)")]
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
