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
#[inline]
pub(super) fn poll_body<F: Future>(
    owner: &Owner,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
    is_due: impl FnOnce(&mut Context<'_>) -> bool,
) -> Poll<Option<F::Output>> {
    if owner.stage() != Stage::Going {
        return poll_asked(owner, body, cx);
    }
    if let Poll::Ready(output) = poll_within(owner, body.as_mut(), cx) {
        return Poll::Ready(Some(output));
    }
    let is_due = is_due(cx);
    if !is_due && owner.stage() == Stage::Going {
        return Poll::Pending;
    }
    heed(owner, body, cx, is_due)
}

#[inline]
fn poll_within<F: Future>(
    owner: &Owner,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    let future = body.as_mut().as_pin_mut().expect("an owner was polled after it ended");
    let output = ready!(owner.within(|| future.poll(cx)));
    body.set(None);
    Poll::Ready(output)
}

/// A poll after the request.
#[cold]
fn poll_asked<F: Future>(
    owner: &Owner,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Option<F::Output>> {
    if owner.stage() == Stage::Ending || !owner.has_clean_ups() {
        return end(owner, body, cx);
    }
    match poll_within(owner, body.as_mut(), cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => heed(owner, body, cx, false),
    }
}

/// The body has given Pending, and the owner was asked or is due.
#[cold]
fn heed<F: Future>(
    owner: &Owner,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
    is_due: bool,
) -> Poll<Option<F::Output>> {
    // Of several whose time is up the outermost decides, as in asyncio; it is looked at next.
    let is_due = is_due && !is_time_up(Instant::now().as_nanos());
    if !is_due && owner.stage() == Stage::Going {
        return Poll::Pending;
    }
    owner.ask();
    if budget::is_spent() {
        let _fresh = budget::fresh();
        if let Poll::Ready(output) = poll_within(owner, body.as_mut(), cx) {
            return Poll::Ready(Some(output));
        }
    }
    end(owner, body, cx)
}

/// Delivers the request, and lets the clean-ups run, if there are any.
fn end<F: Future>(
    owner: &Owner,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Option<F::Output>> {
    if owner.stage() == Stage::Asked {
        owner.deliver();
    }
    if owner.has_clean_ups() && poll_within(owner, body.as_mut(), cx).is_pending() {
        ready!(owner.poll_clean_ups(cx));
    }
    body.set(None);
    match surroundings() {
        Stage::Ending => Poll::Pending,
        _ => Poll::Ready(None),
    }
}
