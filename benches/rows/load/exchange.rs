//! Connections that each send messages and wait for their echoes.
//!
//! On the `io-uring` crate: a load must be cheaper than what it is put on, or the server waits for
//! the load and has no two requests at a time. On epoll(7) it is as dear as the dearer contestant.
//!
//! # Safety
//! What the kernel reads and writes are two buffers that outlive the ring.

#![allow(unsafe_code, reason = "SQEs that are pushed by hand")]

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Instant;

use clap::Args;
use hdrhistogram::Histogram;
use io_uring::{IoUring, opcode, squeue, types};

use crate::control;
use crate::sample::Sample;
use crate::slice::Step;

use super::target::Target;

/// `IORING_RECVSEND_POLL_FIRST`: an echo is never there at once.
const POLL_FIRST: u16 = 1;

/// A closed loop: each connection sends, waits for the whole echo, and sends again.
#[derive(Args, Debug)]
pub(crate) struct Exchange {
    #[command(flatten)]
    target: Target,
    #[arg(long)]
    connections: usize,
    /// Bytes of a message.
    #[arg(long)]
    bytes: usize,
    /// Messages that a connection sends at a time.
    #[arg(long, default_value_t = 1)]
    window: usize,
}

impl Exchange {
    pub(crate) fn run(self) -> io::Result<()> {
        self.target.pin()?;
        let sockets = self.target.connect_all(self.connections)?;
        let mut buffers = Buffers::new(self.bytes * self.window);
        let mut ring = ring(self.connections)?;
        let mut times = histogram();
        let mut watch = self.target.watch();
        let mut sent = vec![Instant::now(); self.connections];
        for index in 0..sockets.len() {
            buffers.exchange(&mut ring, &sockets, index)?;
        }
        loop {
            ring.submit_and_wait(1)?;
            let now = Instant::now();
            match watch.step(now)? {
                Step::Go => {}
                Step::Begin => times.reset(),
                Step::End => break,
            }
            buffers.done.clear();
            buffers.done.extend(ring.completion().map(|it| (it.user_data() as usize, it.result())));
            for at in 0..buffers.done.len() {
                let (index, result) = buffers.done[at];
                if result != buffers.message.len() as i32 {
                    return Err(io::Error::other(format!("a message or its echo: {result}")));
                }
                let nanos = (now - sent[index]).as_nanos() as u64;
                times.saturating_record_n(nanos, self.window as u64);
                sent[index] = now;
                buffers.exchange(&mut ring, &sockets, index)?;
            }
        }
        control::say(&sample(watch.sample(times.len() as f64), &times))
    }
}

/// Adds latencies in microseconds.
pub(super) fn sample(sample: Sample, times: &Histogram<u64>) -> Sample {
    let [p50, p99] = [0.5, 0.99].map(|q| times.value_at_quantile(q) as f64 / 1e3);
    sample.with("p50", p50).with("p99", p99)
}

/// Up to ten seconds in nanoseconds, to three digits.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(10_000_000_000, 3).expect("the bounds are sound")
}

/// With room for a send and a receive of each connection.
fn ring(connections: usize) -> io::Result<IoUring> {
    let entries = (2 * connections).next_power_of_two().clamp(64, 16_384) as u32;
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_cqsize(2 * entries)
        .build(entries)
}

/// What the connections share: hot, so that the load is cheap.
struct Buffers {
    message: Vec<u8>,
    /// Where echoes would go if they were not thrown away in the kernel.
    echo: Vec<u8>,
    /// Connections whose echo has come, and its length.
    done: Vec<(usize, i32)>,
}

impl Buffers {
    fn new(bytes: usize) -> Buffers {
        Buffers { message: vec![0x5a; bytes], echo: vec![0; bytes], done: Vec::new() }
    }

    /// Sends a message, and waits for its echo, which alone is told.
    fn exchange(&mut self, ring: &mut IoUring, on: &[TcpStream], index: usize) -> io::Result<()> {
        let (socket, len) = (types::Fd(on[index].as_raw_fd()), self.message.len() as u32);
        let send = opcode::Send::new(socket, self.message.as_ptr(), len)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL)
            .build()
            .flags(squeue::Flags::SKIP_SUCCESS);
        let receive = opcode::Recv::new(socket, self.echo.as_mut_ptr(), len)
            .flags(libc::MSG_TRUNC | libc::MSG_WAITALL)
            .ioprio(POLL_FIRST)
            .build();
        for entry in [send, receive] {
            let entry = entry.user_data(index as u64);
            // SAFETY: both buffers live, and stay where they are, until the process ends.
            while unsafe { ring.submission().push(&entry) }.is_err() {
                ring.submit()?;
            }
        }
        Ok(())
    }
}
