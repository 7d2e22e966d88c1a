//! A getter: as a future, and again and again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::sync::wait_queue::Wait;

use super::buffer::Buffer;
use super::core::{Core, Turn};
use super::error::GetError;

pin_project! {
    /// The next item. Polled again after that, it gives the one after.
    #[must_use = "it stands in line when it is polled"]
    pub(super) struct Get<'q, T, B: Buffer<T>> {
        core: &'q Core<T, B>,
        // From when it has to wait for the first time.
        #[pin]
        wait: Option<Wait<'q, Turn<T>, &'q Core<T, B>>>,
    }
}

impl<'q, T, B: Buffer<T>> Get<'q, T, B> {
    #[inline]
    pub(super) fn new(core: &'q Core<T, B>) -> Get<'q, T, B> {
        Get { core, wait: None }
    }

    // Not part of its caller, for whom there mostly is an item without it.
    #[inline(never)]
    fn wait(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, GetError>> {
        let mut this = self.project();
        if this.core.is_busy() {
            // An item that is being compared polls: what it has a claim to is out of reach for now.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_new = this.wait.is_none();
        if is_new {
            this.wait.set(Some(this.core.wait_for_item()));
        }
        let Some(wait) = this.wait.as_pin_mut() else { return Poll::Pending };
        let turn = ready!(if is_new { wait.poll_refused(cx) } else { wait.poll(cx) });
        Poll::Ready(this.core.collect(turn).ok_or(GetError))
    }
}

impl<T, B: Buffer<T>> Future for Get<'_, T, B> {
    type Output = Result<T, GetError>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.wait.is_none()
            && let Some(item) = self.core.get_at_once()
        {
            return Poll::Ready(Ok(item));
        }
        self.wait(cx)
    }
}
