//! The futures of reads into a caller's buffer.
//!
//! # Safety
//! The buffer is held, untouched, while a receive into it is in flight; a future that is dropped
//! meanwhile gives it to the transport.

#![allow(unsafe_code, reason = "lends a buffer's memory to the transport")]

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::buf::{BufResult, Chunk, IoBufMut};

use super::stream::Stream;

/// Reads once, into the capacity of a buffer.
pub(crate) struct ReadInto<'a, B: IoBufMut> {
    stream: &'a Rc<Stream>,
    buffer: Option<B>,
    /// The buffer's memory. It is asked for only while the kernel does not have it: the answer
    /// may come by way of a reference to the bytes.
    memory: (*mut u8, usize),
    /// Bytes of the buffer that are filled.
    filled: usize,
    /// The receive in flight is into this buffer.
    in_flight: bool,
}

impl<'a, B: IoBufMut> ReadInto<'a, B> {
    pub(crate) fn new(stream: &'a Rc<Stream>, buffer: B) -> Self {
        let memory = (std::ptr::null_mut(), 0);
        ReadInto { stream, buffer: Some(buffer), memory, filled: 0, in_flight: false }
    }

    /// Asks the buffer for its memory; says how many bytes of it are not filled.
    fn look(&mut self) -> usize {
        let buffer = self.buffer.as_mut().expect("a read was polled after it was done");
        if !self.in_flight {
            self.memory = (buffer.as_mut_ptr(), buffer.capacity());
        }
        self.memory.1.saturating_sub(self.filled)
    }

    /// Waits for bytes behind those that are filled already; adds them, and says how many.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = self.look();
        let target = (self.memory.0.wrapping_add(self.filled), room);
        // SAFETY: `IoBufMut` vouches for `capacity` writable bytes, and `filled` is within them.
        // `self` holds the buffer while `in_flight`; `drop` gives it to the transport.
        let read = unsafe { self.stream.poll_read(target, &mut self.in_flight, cx) };
        let count = ready!(read)?;
        self.filled += count;
        Poll::Ready(Ok(count))
    }

    /// Gives the buffer back with what was filled as its contents.
    fn finish(&mut self) -> B {
        let mut buffer = self.buffer.take().expect("a read holds its buffer until it is done");
        // SAFETY: the first `filled` bytes were written by the kernel or copied in.
        unsafe { buffer.set_len(self.filled) };
        buffer
    }
}

// The buffer is never pinned: its memory does not move with it.
impl<B: IoBufMut> Unpin for ReadInto<'_, B> {}

impl<B: IoBufMut> Future for ReadInto<'_, B> {
    type Output = BufResult<usize, B>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.poll_more(cx));
        Poll::Ready((result, self.finish()))
    }
}

impl<B: IoBufMut> Drop for ReadInto<'_, B> {
    fn drop(&mut self) {
        let Some(buffer) = self.buffer.take() else { return };
        let taken = (self.filled > 0).then(|| {
            // SAFETY: the first `filled` bytes are initialised, and a receive in flight writes
            // behind them.
            Chunk::copy_of(unsafe { std::slice::from_raw_parts(self.memory.0, self.filled) })
        });
        if self.in_flight {
            self.stream.abandon_read(Box::new(buffer));
        }
        if let Some(taken) = taken {
            self.stream.put_back(taken);
        }
    }
}

/// Reads until the capacity of a buffer is filled. Dropped before, it gives back what it took.
pub(crate) struct ReadExact<'a, B: IoBufMut>(pub(crate) ReadInto<'a, B>);

impl<B: IoBufMut> Future for ReadExact<'_, B> {
    type Output = BufResult<(), B>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let read = &mut self.0;
        let result = loop {
            if read.look() == 0 {
                break Ok(());
            }
            match ready!(read.poll_more(cx)) {
                Ok(0) => break Err(ended_early(read.filled, read.memory.1)),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        Poll::Ready((result, read.finish()))
    }
}

fn ended_early(got: usize, wanted: usize) -> io::Error {
    let message = format!("the stream ended after {got} of {wanted} bytes");
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}
