//! The load: connections that each send a message, wait for its echo, and check it.
//!
//! It runs on tokio for both contestants.

use std::cell::RefCell;
use std::io;
use std::net::{self, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::machine;
use crate::sample::Sample;

/// How long the last echoes may take once the time is up.
const PATIENCE: Duration = Duration::from_secs(5);

/// The phases of a run.
const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const END: u8 = 2;

/// What to put on whom.
#[derive(Args, Debug)]
pub(crate) struct Load {
    /// The proxy.
    #[arg(long)]
    target: SocketAddr,
    /// The proxy's process, for its CPU time.
    #[arg(long)]
    pid: u32,
    #[arg(long)]
    connections: usize,
    /// Bytes of a message.
    #[arg(long)]
    message: usize,
    /// Milliseconds of warm-up; they do not count.
    #[arg(long)]
    warm_up: u64,
    /// Milliseconds that count.
    #[arg(long)]
    measure: u64,
    #[arg(long, value_delimiter = ',')]
    cpus: Vec<usize>,
}

impl Load {
    pub(crate) fn run(&self) -> io::Result<Sample> {
        let mut shares: Vec<Vec<net::TcpStream>> = self.cpus.iter().map(|_| Vec::new()).collect();
        for number in 0..self.connections {
            let stream = net::TcpStream::connect(self.target)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            shares[number % self.cpus.len()].push(stream);
        }
        let phase = AtomicU8::new(WARM_UP);
        let (times, ran) = thread::scope(|scope| {
            let work = || machine::on_each(&self.cpus, shares, |share| self.drive(share, &phase));
            let clients = scope.spawn(work);
            let ran = self.keep_time(&phase);
            (clients.join().expect("the load panicked"), ran)
        });
        let (elapsed, cpu_time) = ran?;
        let mut all = histogram();
        for times in times? {
            all.add(times).map_err(io::Error::other)?;
        }
        let requests = all.len() as f64;
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|q| all.value_at_quantile(q) as f64 / 1e3);
        let per_request = cpu_time.as_secs_f64() * 1e6 / requests;
        Ok(Sample([requests / elapsed.as_secs_f64(), p50, p99, p999, per_request]))
    }

    /// Goes through the phases; how long the measured one took, and the proxy's CPU time in it.
    fn keep_time(&self, phase: &AtomicU8) -> io::Result<(Duration, Duration)> {
        thread::sleep(Duration::from_millis(self.warm_up));
        let (began, cpu_before) = (Instant::now(), machine::cpu_time(self.pid));
        phase.store(MEASURE, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(self.measure));
        phase.store(END, Ordering::Relaxed);
        let (elapsed, cpu_after) = (began.elapsed(), machine::cpu_time(self.pid));
        Ok((elapsed, cpu_after?.saturating_sub(cpu_before?)))
    }

    /// One thread's share of the connections; the measured times in nanoseconds.
    fn drive(&self, share: Vec<net::TcpStream>, phase: &AtomicU8) -> io::Result<Histogram<u64>> {
        let limit = Duration::from_millis(self.warm_up + self.measure) + PATIENCE;
        let times = RefCell::new(histogram());
        machine::block_on(async {
            let clients = share.into_iter().enumerate().map(|(number, stream)| {
                let message = (0..self.message).map(|at| (number + at * 31) as u8).collect();
                exchange(stream, message, phase, &times)
            });
            match timeout(limit, try_join_all(clients)).await {
                Ok(done) => done.map(drop),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "an echo did not come")),
            }
        })?;
        Ok(times.into_inner())
    }
}

/// One connection: sends `message`, stamped anew each time, until the phase is `END`.
async fn exchange(
    stream: net::TcpStream,
    mut message: Vec<u8>,
    phase: &AtomicU8,
    times: &RefCell<Histogram<u64>>,
) -> io::Result<()> {
    let mut stream = TcpStream::from_std(stream)?;
    let mut echo = vec![0; message.len()];
    for count in 0_u64.. {
        let phase_then = phase.load(Ordering::Relaxed);
        if phase_then == END {
            break;
        }
        let stamp = count.to_le_bytes();
        message[..stamp.len()].copy_from_slice(&stamp);
        let sent = Instant::now();
        stream.write_all(&message).await?;
        stream.read_exact(&mut echo).await?;
        let nanos = sent.elapsed().as_nanos() as u64;
        if echo != message {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an echo was garbled"));
        }
        if phase_then == MEASURE && phase.load(Ordering::Relaxed) == MEASURE {
            times.borrow_mut().saturating_record(nanos);
        }
    }
    Ok(())
}

/// Up to ten seconds in nanoseconds, to three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(10_000_000_000, 3).expect("the bounds are sound")
}
