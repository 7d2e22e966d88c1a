//! A putter.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::sync::wait_queue::Wait;

use super::buffer::Buffer;
use super::core::Core;
use super::error::PutError;

pin_project! {
    /// Puts an item.
    #[must_use = "it stands in line when it is polled"]
    pub(super) struct Put<'q, T, B: Buffer<T>> {
        core: &'q Core<T, B>,
        #[pin]
        state: State<'q, T, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<'q, T, B: Buffer<T>> {
        // It was not polled yet.
        New { item: Option<T> },
        // Its place in line has the item.
        Waiting { #[pin] wait: Wait<'q, Option<T>, &'q Core<T, B>> },
    }
}

impl<'q, T, B: Buffer<T>> Put<'q, T, B> {
    #[inline]
    pub(super) fn new(core: &'q Core<T, B>, item: T) -> Put<'q, T, B> {
        Put { core, state: State::New { item: Some(item) } }
    }

    // Not part of its caller, for whom there mostly is room without it.
    #[inline(never)]
    fn wait(
        self: Pin<&mut Self>,
        item: Option<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PutError<T>>> {
        let mut this = self.project();
        if let Some(item) = item {
            this.state.set(State::Waiting { wait: this.core.wait_for_room(item) });
        }
        match this.state.project() {
            StateProjection::Waiting { wait } => {
                let back = ready!(wait.poll(cx));
                Poll::Ready(back.map_or(Ok(()), |item| Err(PutError(item))))
            }
            StateProjection::New { .. } => Poll::Ready(Ok(())),
        }
    }
}

impl<T, B: Buffer<T>> Future for Put<'_, T, B> {
    type Output = Result<(), PutError<T>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let back = match this.state.project() {
            StateProjection::New { item } => match item.take() {
                Some(item) => match this.core.put_at_once(item) {
                    Ok(()) => return Poll::Ready(Ok(())),
                    Err(item) => Some(item),
                },
                None => None,
            },
            StateProjection::Waiting { .. } => None,
        };
        self.wait(back, cx)
    }
}
