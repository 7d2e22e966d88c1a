//! Many futures at once.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;

use crate::executor::Parts;

/// Awaits futures at once and gives their outputs in the order of the futures.
///
/// They run in the caller's task and may borrow from it. Each is polled when it was woken itself,
/// whatever their number; each has a block of memory like a task's. None gives an empty `Vec`.
///
/// ```
/// use ringio::time::sleep;
/// use std::time::Duration;
///
/// ringio::run(async {
///     let words = ["one", "two", "three"];
///     let lengths = ringio::gather(words.iter().map(async |word| {
///         sleep(Duration::from_millis(5 - word.len() as u64)).await;
///         word.len()
///     }));
///     assert_eq!(lengths.await, [3, 3, 5]);
/// });
/// ```
///
/// # Panics
/// With the panic of a future, at once; the others are dropped. If no loop runs on this thread.
///
/// # Cancel safety
/// Dropping it drops the futures; what that loses is their matter.
#[doc(alias = "join_all")]
pub async fn gather<I>(futures: I) -> Vec<<I::Item as Future>::Output>
where
    I: IntoIterator,
    I::Item: Future,
{
    let mut parts = Parts::new(futures);
    poll_fn(|cx| parts.poll(cx, |_| ControlFlow::<Infallible>::Continue(()))).await;
    parts.into_outputs()
}

/// Awaits futures at once until all have given `Ok`, or one an `Err`.
///
/// As [`gather`], for futures of a `Result`: the first error is given at once, and the other
/// futures are dropped before. (asyncio's `gather` lets them go on; a future that nobody awaits
/// does not run, so here they end. [Spawn](crate::spawn) what has to go on.)
///
/// ```
/// ringio::run(async {
///     let parse = async |text: &str| text.parse::<u8>();
///     assert_eq!(ringio::try_gather(["1", "2"].map(parse)).await, Ok(vec![1, 2]));
///     assert!(ringio::try_gather(["1", "two"].map(parse)).await.is_err());
/// });
/// ```
///
/// # Errors
/// The first error that one of the futures gives.
///
/// # Panics
/// As [`gather`].
///
/// # Cancel safety
/// Dropping it drops the futures; what that loses is their matter.
#[doc(alias = "gather")]
#[doc(alias = "try_join_all")]
pub async fn try_gather<I, T, E>(futures: I) -> Result<Vec<T>, E>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>>,
{
    let mut parts = Parts::new(futures);
    let failed = poll_fn(|cx| {
        parts.poll(cx, |ended| match ended.output() {
            Ok(_) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(ended.take()),
        })
    });
    if let Some(Err(error)) = failed.await {
        return Err(error);
    }
    parts.into_outputs().into_iter().collect()
}
