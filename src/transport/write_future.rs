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

use crate::buf::{BufResult, Chunk, IoBuf};
use crate::util::budget;

use super::stream::Stream;
use super::write_queue::Memory;

/// What one write sends, and what its caller gets back.
pub(crate) trait Buffers: 'static {
    /// The result together with the buffers.
    type Given;

    /// Bytes in all. It is asked for until the write is admitted, and not any more.
    fn total(&mut self) -> usize;
    fn memory(&self) -> Memory;
    fn give_back(self, sent: io::Result<()>) -> Self::Given;
}

/// One buffer, without the count.
pub(crate) struct All<B>(B);

impl<B: IoBuf> Buffers for All<B> {
    type Given = BufResult<(), B>;

    fn total(&mut self) -> usize {
        self.0.len()
    }
    fn memory(&self) -> Memory {
        Memory::One(self.0.as_ptr())
    }
    fn give_back(self, sent: io::Result<()>) -> Self::Given {
        (sent, self.0)
    }
}

/// One buffer, with the count.
pub(crate) struct One<B> {
    all: All<B>,
    total: usize,
}

impl<B: IoBuf> Buffers for One<B> {
    type Given = BufResult<usize, B>;

    fn total(&mut self) -> usize {
        self.total = self.all.total();
        self.total
    }
    fn memory(&self) -> Memory {
        self.all.memory()
    }
    fn give_back(self, sent: io::Result<()>) -> Self::Given {
        (sent.map(|()| self.total), self.all.0)
    }
}

/// A vector of buffers, with the count.
pub(crate) struct Many<B> {
    buffers: Vec<B>,
    total: usize,
}

impl<B: IoBuf> Buffers for Many<B> {
    type Given = BufResult<usize, Vec<B>>;

    fn total(&mut self) -> usize {
        self.total = self.buffers.iter().map(IoBuf::len).sum();
        self.total
    }
    fn memory(&self) -> Memory {
        Memory::Many(self.buffers.iter().map(|buffer| (buffer.as_ptr(), buffer.len())).collect())
    }
    fn give_back(self, sent: io::Result<()>) -> Self::Given {
        (sent.map(|()| self.total), self.buffers)
    }
}

/// Sends all of its buffers.
pub(crate) struct Writing<'a, T: Buffers> {
    stream: &'a Rc<Stream>,
    buffers: Option<T>,
    /// The number of the write plus one, once it is admitted.
    admitted: Option<NonZero<u64>>,
}

// They lie in the futures of many connections.
const _: () = assert!(size_of::<Writing<'_, All<Chunk>>>() <= 40);

/// Sends all of a buffer, and counts.
pub(crate) fn write<B: IoBuf>(stream: &Rc<Stream>, buffer: B) -> Writing<'_, One<B>> {
    Writing::new(stream, One { all: All(buffer), total: 0 })
}

/// Sends all of a buffer.
pub(crate) fn write_all<B: IoBuf>(stream: &Rc<Stream>, buffer: B) -> Writing<'_, All<B>> {
    Writing::new(stream, All(buffer))
}

/// Sends all of several buffers, and counts.
pub(crate) fn write_vectored<B: IoBuf>(
    stream: &Rc<Stream>,
    buffers: Vec<B>,
) -> Writing<'_, Many<B>> {
    Writing::new(stream, Many { buffers, total: 0 })
}

impl<'a, T: Buffers> Writing<'a, T> {
    fn new(stream: &'a Rc<Stream>, buffers: T) -> Self {
        Writing { stream, buffers: Some(buffers), admitted: None }
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let buffers = self.buffers.as_mut().expect("a write was polled after it was done");
        let number = match self.admitted {
            // The buffers are the transport's to read now, whatever they would say.
            Some(number) => number.get() - 1,
            None => {
                let total = buffers.total();
                if total == 0 {
                    return spent(Ok(()), cx);
                }
                // SAFETY: `self` holds the buffers until the write is done, `drop` gives them to
                // the transport, and forgetting leaks them.
                let admitted =
                    unsafe { self.stream.poll_admit(&mut || buffers.memory(), total, cx) };
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
        Poll::Ready(written)
    }
}

/// A result that was had without waiting. A write that is admitted needs no budget: it waits for
/// the kernel at least once, and must be begun at its first poll.
fn spent(result: io::Result<()>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    ready!(budget::spend(cx));
    Poll::Ready(result)
}

// The buffers are never pinned: their memory does not move with them.
impl<T: Buffers> Unpin for Writing<'_, T> {}

impl<T: Buffers> Future for Writing<'_, T> {
    type Output = T::Given;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.poll_sent(cx));
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
