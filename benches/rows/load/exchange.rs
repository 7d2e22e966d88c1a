//! Connections that each send messages and wait for their echoes.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use clap::Args;
use hdrhistogram::Histogram;

use crate::control;
use crate::sample::Sample;
use crate::slice::Step;

use super::poller::{Events, Interest, Poller, unless_blocked};
use super::target::Target;

/// Room for what is received at once, and is looked at no further.
const ROOM: usize = 256 * 1024;

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
    /// Messages of a connection that are under way at a time.
    #[arg(long, default_value_t = 1)]
    window: usize,
}

impl Exchange {
    pub(crate) fn run(self) -> io::Result<()> {
        self.target.pin()?;
        let (poller, mut events) = (Poller::new()?, Events::default());
        let mut clients = Vec::with_capacity(self.connections);
        for (index, socket) in self.target.connect_all(self.connections)?.into_iter().enumerate() {
            poller.add(&socket, index, Interest::Read)?;
            clients.push(Client::new(index, socket, &self));
        }
        let mut traffic = Traffic {
            message: vec![0x5a; self.bytes * self.window],
            room: vec![0; ROOM],
            times: histogram(),
        };
        let mut watch = self.target.watch();
        for client in &mut clients {
            client.owe(self.window, Instant::now());
            client.send(&poller, &traffic)?;
        }
        loop {
            match watch.step(Instant::now())? {
                Step::Go => {}
                Step::Begin => traffic.times.reset(),
                Step::End => break,
            }
            for index in poller.wait(&mut events)? {
                clients[index].serve(&poller, &mut traffic)?;
            }
        }
        control::say(&sample(watch.sample(traffic.times.len() as f64), &traffic.times))
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

/// What the connections share: hot, so that the load is cheap.
struct Traffic {
    message: Vec<u8>,
    room: Vec<u8>,
    times: Histogram<u64>,
}

struct Client {
    index: usize,
    socket: TcpStream,
    /// Bytes of a message.
    bytes: usize,
    /// When the messages were sent whose echo has not come.
    sent: VecDeque<Instant>,
    /// Bytes that have come of an echo.
    came: usize,
    /// Bytes that the socket has not taken yet.
    owed: usize,
    interest: Interest,
}

impl Client {
    fn new(index: usize, socket: TcpStream, exchange: &Exchange) -> Client {
        let sent = VecDeque::with_capacity(exchange.window);
        let (bytes, interest) = (exchange.bytes, Interest::Read);
        Client { index, socket, bytes, sent, came: 0, owed: 0, interest }
    }

    /// The socket is ready.
    fn serve(&mut self, poller: &Poller, traffic: &mut Traffic) -> io::Result<()> {
        if let Some(came) = unless_blocked(self.socket.read(&mut traffic.room))? {
            if came == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let now = Instant::now();
            self.came += came;
            let echoes = self.came / self.bytes;
            self.came %= self.bytes;
            for _ in 0..echoes {
                let surplus = || io::Error::other("more came back than was sent");
                let sent = self.sent.pop_front().ok_or_else(surplus)?;
                traffic.times.saturating_record((now - sent).as_nanos() as u64);
            }
            self.owe(echoes, now);
        }
        self.send(poller, traffic)
    }

    fn owe(&mut self, messages: usize, now: Instant) {
        self.sent.extend((0..messages).map(|_| now));
        self.owed += messages * self.bytes;
    }

    /// Sends what it can. What is left goes when the socket says so.
    fn send(&mut self, poller: &Poller, traffic: &Traffic) -> io::Result<()> {
        while self.owed > 0 {
            let message = &traffic.message[..self.owed.min(traffic.message.len())];
            match unless_blocked(self.socket.write(message))? {
                Some(sent) => self.owed -= sent,
                None => break,
            }
        }
        let interest = if self.owed > 0 { Interest::Both } else { Interest::Read };
        if interest != self.interest {
            self.interest = interest;
            poller.change(&self.socket, self.index, interest)?;
        }
        Ok(())
    }
}
