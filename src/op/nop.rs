//! An operation that does nothing, through the ring and back.
//!
//! # Safety
//! It names no memory.

#![allow(unsafe_code, reason = "implements the unsafe trait Operation")]

use std::future::Future;
use std::io;
use std::mem::forget;
use std::pin::Pin;
use std::task::{Context, Poll};

use uring_sys_shim::{Sqe, sqe};

use super::{Operation, Submit};

struct NopOperation;

// SAFETY: the SQE names no memory.
unsafe impl Operation for NopOperation {
    type Output = ();

    #[inline]
    fn prepare(&self) -> Sqe {
        sqe::nop()
    }

    #[inline]
    fn complete(self, result: io::Result<u32>) -> io::Result<()> {
        result.map(drop)
    }
}

/// The future of [`nop`].
#[must_use = "futures do nothing unless awaited"]
pub struct Nop(Option<Submit<NopOperation>>);

impl std::fmt::Debug for Nop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nop")
    }
}

impl Future for Nop {
    type Output = io::Result<()>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(submit) = &mut self.0 {
            return Pin::new(submit).poll(cx);
        }
        // There was none: without a look for one to drop.
        forget(self.0.replace(Submit::begin(NopOperation, cx.waker())?));
        Poll::Pending
    }
}

/// Sends an operation that does nothing through the ring: what a round trip costs.
///
/// # Errors
/// Outside a loop, or when the loop is closing.
///
/// # Cancel safety
/// There is nothing to lose.
///
/// # Examples
/// ```
/// ringio::run(async {
///     ringio::op::nop().await.unwrap();
/// });
/// ```
#[must_use = "futures do nothing unless awaited"]
#[inline]
pub fn nop() -> Nop {
    Nop(None)
}
