//! Connections that each send messages and wait for their echoes.
//!
//! On the `io-uring` crate: a load must be cheaper than what it is put on, or the server waits for
//! the load and has no two requests at a time. On epoll(7) it is as dear as the dearer contestant.
//!
//! # Safety
//! What the kernel reads and writes are two buffers that are never freed.

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
/// Marks a send beside the index of its connection.
const SEND: usize = 1 << 32;

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
        let bytes = self.bytes * self.window;
        let mut clients = Vec::with_capacity(self.connections);
        for socket in self.target.connect_all(self.connections)? {
            clients.push(Client { socket, sent: Instant::now(), missing: 0 });
        }
        let mut wires = Wires::new(bytes, self.connections)?;
        let (mut times, mut done) = (histogram(), Vec::new());
        let mut watch = self.target.watch();
        for (index, client) in clients.iter_mut().enumerate() {
            wires.ask(client, index, Instant::now())?;
        }
        loop {
            wires.ring.submit_and_wait(1)?;
            let now = Instant::now();
            match watch.step(now)? {
                Step::Go => {}
                Step::Begin => times.reset(),
                Step::End => break,
            }
            done.extend(wires.ring.completion().map(|it| (it.user_data(), it.result())));
            for (index, result) in done.drain(..) {
                let index = index as usize;
                if index & SEND != 0 {
                    // It says something only if it has failed.
                    return Err(io::Error::other(format!("a send has ended with {result}")));
                }
                let client = &mut clients[index];
                match usize::try_from(result) {
                    Ok(came) if 0 < came && came <= client.missing => client.missing -= came,
                    _ => return Err(io::Error::other(format!("no echo but {result}"))),
                }
                if client.missing > 0 {
                    wires.receive(client, index)?;
                    continue;
                }
                let nanos = (now - client.sent).as_nanos() as u64;
                times.saturating_record_n(nanos, self.window as u64);
                wires.ask(client, index, now)?;
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

struct Client {
    socket: TcpStream,
    /// When the messages were sent whose echo has not come.
    sent: Instant,
    /// Bytes of the echo that have not come.
    missing: usize,
}

/// The ring, and what the connections share: hot, so that the load is cheap.
struct Wires {
    ring: IoUring,
    /// What is sent at a time.
    message: &'static [u8],
    /// Where echoes would go if they were not thrown away in the kernel.
    echo: &'static mut [u8],
}

impl Wires {
    /// With room for a send and a receive of each connection.
    fn new(bytes: usize, connections: usize) -> io::Result<Wires> {
        let entries = (2 * connections).next_power_of_two().clamp(64, 16_384) as u32;
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(2 * entries)
            .build(entries)?;
        Ok(Wires { ring, message: vec![0x5a; bytes].leak(), echo: vec![0; bytes].leak() })
    }

    /// Sends, and waits for the echo.
    fn ask(&mut self, client: &mut Client, index: usize, now: Instant) -> io::Result<()> {
        client.sent = now;
        client.missing = self.message.len();
        let socket = types::Fd(client.socket.as_raw_fd());
        let len = self.message.len() as u32;
        let send = opcode::Send::new(socket, self.message.as_ptr(), len)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL)
            .build()
            .flags(squeue::Flags::SKIP_SUCCESS);
        self.push(send, index | SEND)?;
        self.receive(client, index)
    }

    /// Without `MSG_WAITALL`: together with `MSG_TRUNC` the kernel (6.18) forgets what has come
    /// when it goes on waiting for the rest.
    fn receive(&mut self, client: &Client, index: usize) -> io::Result<()> {
        let socket = types::Fd(client.socket.as_raw_fd());
        let receive = opcode::Recv::new(socket, self.echo.as_mut_ptr(), client.missing as u32)
            .flags(libc::MSG_TRUNC)
            .ioprio(POLL_FIRST)
            .build();
        self.push(receive, index)
    }

    fn push(&mut self, entry: squeue::Entry, index: usize) -> io::Result<()> {
        let entry = entry.user_data(index as u64);
        // SAFETY: the memory that it names is part of one of the buffers, which are never freed:
        // `missing` is at most their length.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            self.ring.submit()?;
        }
        Ok(())
    }
}
