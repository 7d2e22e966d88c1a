//! The end of an owner that is polled by whoever awaits it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::executor::owner::{Owner, Stage, is_time_up, surroundings};
use crate::time::Instant;
use crate::util::budget;

/// Polls the body of an owner: `Some` with its result, `None` when it has ended because it was
/// asked to. The body is dropped before either is told.
///
/// `is_due` is looked at when the body has given Pending; it asks the owner too.
///
/// A result of the poll that delivers the request wins, even where only the task's budget has kept
/// it back. From then on the body is polled for the sake of its clean-ups. While an owner further
/// out is ending nothing behind this one goes on: it ends with that.
pub(super) fn poll_body<F: Future>(
    owner: &Owner,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
    is_due: impl FnOnce(&mut Context<'_>) -> bool,
) -> Poll<Option<F::Output>> {
    // It may be gone already while this ends with an owner further out.
    let is_there = body.is_some();
    let mut poll = |cx: &mut Context<'_>| {
        let future = body.as_mut().as_pin_mut().expect("an owner was polled after it ended");
        let poll = owner.within(|| future.poll(cx));
        if poll.is_ready() {
            body.set(None);
        }
        poll
    };
    if owner.stage() == Stage::Going || owner.has_clean_ups() && owner.stage() == Stage::Asked {
        if let Poll::Ready(output) = poll(cx) {
            return Poll::Ready(Some(output));
        }
        // Of several whose time is up the outermost decides, as in asyncio; it is polled next.
        let is_due = is_due(cx) && !is_time_up(Instant::now().as_nanos());
        if !is_due && owner.stage() == Stage::Going || surroundings() == Stage::Ending {
            return Poll::Pending;
        }
        owner.ask();
        if budget::is_spent() {
            let _fresh = budget::fresh();
            if let Poll::Ready(output) = poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
    }
    if owner.stage() == Stage::Asked {
        owner.deliver();
    }
    if is_there && owner.has_clean_ups() && poll(cx).is_pending() {
        ready!(owner.poll_clean_ups(cx));
    }
    body.set(None);
    match surroundings() {
        Stage::Ending => Poll::Pending,
        _ => Poll::Ready(None),
    }
}
