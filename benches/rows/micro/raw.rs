//! No-ops through a ring of the `io-uring` crate, with the set-up that ringio asks for.
//!
//! # Safety
//! A no-op names no memory.

#![allow(unsafe_code, reason = "SQEs that are pushed by hand")]

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use io_uring::{IoUring, opcode};

use crate::sample::Sample;

use super::meter::Meter;

/// So many are submitted together, and all awaited.
pub(super) fn no_ops(meter: Meter, in_flight: u32) -> io::Result<Sample> {
    const TIMES: u32 = 200;
    let mut ring: IoUring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .build(256)?;
    let measured = meter.of(in_flight * TIMES, async || {
        for _ in 0..TIMES {
            for number in 0..in_flight {
                let nop = opcode::Nop::new().build().user_data(u64::from(number));
                // SAFETY: the entry names no memory that would have to outlive it.
                let pushed = unsafe { ring.submission().push(&nop) };
                pushed.expect("the queue is longer than what is in flight");
            }
            ring.submit_and_wait(in_flight as usize).expect("the ring takes it");
            assert_eq!(ring.completion().count(), in_flight as usize);
        }
    });
    // It waits in the kernel, and so never pends.
    match pin!(measured).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(sample) => Ok(sample),
        Poll::Pending => Err(io::Error::other("there is nothing to wait for")),
    }
}
