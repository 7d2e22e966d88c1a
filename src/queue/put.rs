//! A putter that may have to wait.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::sync::wait_queue::Wait;

use super::buffer::Buffer;
use super::core::Core;
use super::error::PutError;

pin_project! {
    /// Puts the item that its place in line holds.
    #[must_use = "it stands in line when it is polled"]
    pub(super) struct Put<'q, T, B: Buffer<T>> {
        #[pin]
        wait: Wait<'q, Option<T>, &'q Core<T, B>>,
    }
}

impl<'q, T, B: Buffer<T>> Put<'q, T, B> {
    #[inline]
    pub(super) fn new(wait: Wait<'q, Option<T>, &'q Core<T, B>>) -> Put<'q, T, B> {
        Put { wait }
    }
}

impl<T, B: Buffer<T>> Future for Put<'_, T, B> {
    type Output = Result<(), PutError<T>>;

    // Not part of its caller, for whom there mostly is room without it.
    #[inline(never)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let back = ready!(self.project().wait.poll(cx));
        Poll::Ready(back.map_or(Ok(()), |item| Err(PutError(item))))
    }
}
