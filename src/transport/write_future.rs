//! The futures of writes: they hold the buffer while the transport sends it.
//!
//! # Safety
//! The buffer is held, untouched, from the admission until the write is done; a future that is
//! dropped before gives it to the transport.

#![allow(unsafe_code, reason = "lends a buffer's memory to the transport")]

use std::future::Future;
use std::io;
use std::num::NonZero;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::buf::{BufResult, IoBuf};
use crate::util::budget;

use super::stream::Stream;
use super::writer::Memory;

/// What one write sends, and what its caller gets back.
pub(crate) trait Buffers: 'static {
    /// The result together with the buffers.
    type Given;

    /// Bytes in all.
    fn total(&self) -> usize;
    fn memory(&self) -> Memory;
    fn give_back(self, sent: io::Result<usize>) -> Self::Given;
}

/// One buffer, with the count.
pub(crate) struct One<B>(B);

impl<B: IoBuf> Buffers for One<B> {
    type Given = BufResult<usize, B>;

    fn total(&self) -> usize {
        self.0.len()
    }
    fn memory(&self) -> Memory {
        Memory::One(self.0.as_ptr())
    }
    fn give_back(self, sent: io::Result<usize>) -> Self::Given {
        (sent, self.0)
    }
}

/// One buffer, without the count.
pub(crate) struct All<B>(One<B>);

impl<B: IoBuf> Buffers for All<B> {
    type Given = BufResult<(), B>;

    fn total(&self) -> usize {
        self.0.total()
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn give_back(self, sent: io::Result<usize>) -> Self::Given {
        (sent.map(drop), self.0.0)
    }
}

/// A vector of buffers, with the count.
pub(crate) struct Many<B>(Vec<B>);

impl<B: IoBuf> Buffers for Many<B> {
    type Given = BufResult<usize, Vec<B>>;

    fn total(&self) -> usize {
        self.0.iter().map(IoBuf::len).sum()
    }
    fn memory(&self) -> Memory {
        Memory::Many(self.0.iter().map(|buffer| (buffer.as_ptr(), buffer.len())).collect())
    }
    fn give_back(self, sent: io::Result<usize>) -> Self::Given {
        (sent, self.0)
    }
}

/// Sends all of its buffers.
pub(crate) struct Writing<'a, T: Buffers> {
    stream: &'a Rc<Stream>,
    buffers: Option<T>,
    /// Bytes in all, once that was asked.
    total: usize,
    /// The number of the write plus one, once it is admitted.
    admitted: Option<NonZero<u64>>,
}

/// Sends all of a buffer, and counts.
pub(crate) fn write<B: IoBuf>(stream: &Rc<Stream>, buffer: B) -> Writing<'_, One<B>> {
    Writing::new(stream, One(buffer))
}

/// Sends all of a buffer.
pub(crate) fn write_all<B: IoBuf>(stream: &Rc<Stream>, buffer: B) -> Writing<'_, All<B>> {
    Writing::new(stream, All(One(buffer)))
}

/// Sends all of several buffers, and counts.
pub(crate) fn write_vectored<B: IoBuf>(
    stream: &Rc<Stream>,
    buffers: Vec<B>,
) -> Writing<'_, Many<B>> {
    Writing::new(stream, Many(buffers))
}

impl<'a, T: Buffers> Writing<'a, T> {
    fn new(stream: &'a Rc<Stream>, buffers: T) -> Self {
        Writing { stream, buffers: Some(buffers), total: 0, admitted: None }
    }

    fn poll_total(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let buffers = self.buffers.as_ref().expect("a write was polled after it was done");
        let number = match self.admitted {
            // The buffers are the transport's to read now, whatever they would say.
            Some(number) => number.get() - 1,
            None => {
                self.total = buffers.total();
                if self.total == 0 {
                    return spent(Ok(0), cx);
                }
                // SAFETY: `self` holds the buffers until the write is done, `drop` gives them to
                // the transport, and forgetting leaks them.
                let admitted =
                    unsafe { self.stream.poll_admit(&mut || buffers.memory(), self.total, cx) };
                match ready!(admitted) {
                    Ok(number) => {
                        self.admitted = NonZero::new(number + 1);
                        number
                    }
                    Err(error) => return spent(Err(error), cx),
                }
            }
        };
        let written = ready!(self.stream.poll_written(number, cx));
        self.admitted = None;
        Poll::Ready(written.map(|()| self.total))
    }
}

/// A result that was had without waiting. A write that is admitted needs no budget: it waits for
/// the kernel at least once, and must be begun at its first poll.
fn spent<T>(result: io::Result<T>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
    ready!(budget::spend(cx));
    Poll::Ready(result)
}

// The buffers are never pinned: their memory does not move with them.
impl<T: Buffers> Unpin for Writing<'_, T> {}

impl<T: Buffers> Future for Writing<'_, T> {
    type Output = T::Given;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.poll_total(cx));
        let buffers = self.buffers.take().expect("a write holds its buffers until it is done");
        Poll::Ready(buffers.give_back(result))
    }
}

impl<T: Buffers> Drop for Writing<'_, T> {
    fn drop(&mut self) {
        if let (Some(number), Some(buffers)) = (self.admitted, self.buffers.take()) {
            self.stream.abandon_write(number.get() - 1, Box::new(buffers));
        }
    }
}
