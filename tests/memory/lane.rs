//! One task of the attack: a connection on which operation after operation ends too early, and
//! every byte is checked all the same.

use std::mem::forget;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use ringio::net::{TcpStream, lookup_host};
use ringio::op::nop;
use ringio::time::{interval, sleep};
use ringio::{signal, timeout};

use super::connection::{Peer, message};
use super::end::{Plan, Stage, Strike, forget_contents};
use super::figures::Kind;
use super::world::{World, busy_address};
use crate::support::*;

pub(crate) struct Lane {
    pub(crate) world: Rc<World>,
    pub(crate) random: Random,
    pub(crate) stream: TcpStream,
    pub(crate) peer: Peer,
    /// Bytes of the peer's that were read.
    pub(crate) read: usize,
    /// The next message of ours.
    pub(crate) number: usize,
    /// Messages that must arrive if the connection ends in order.
    pub(crate) must: Vec<usize>,
    /// Steps until the peer reads: more is queued than the sockets take.
    pub(crate) clogged: usize,
    /// Nothing is received into the pool on this connection.
    pub(crate) own_only: bool,
}

impl Lane {
    pub(crate) fn new(world: Rc<World>, mut random: Random) -> Lane {
        let (stream, peer) = connection(&world);
        let own_only = random.below(2) == 0;
        let must = Vec::new();
        Lane { world, random, stream, peer, read: 0, number: 0, must, clogged: 0, own_only }
    }

    /// Goes on until the loop has had enough; ends its connection in order.
    pub(crate) async fn run(mut self) {
        while !self.world.is_over() {
            self.step().await;
        }
        self.end_in_order().await;
    }

    async fn step(&mut self) {
        match self.random.below(200) {
            0..34 => self.receive(Kind::Recv).await,
            34..84 => self.receive(Kind::Read).await,
            84..104 => self.receive(Kind::ReadExact).await,
            104..116 => self.write(Kind::Write).await,
            116..128 => self.write(Kind::WriteAll).await,
            128..140 => self.write(Kind::Writev).await,
            140..154 => self.accept().await,
            154..164 => self.connect().await,
            164..174 => self.pass_time().await,
            174..177 => self.shutdown().await,
            177 => self.look_up().await,
            178 => self.listen_for_ctrl_c().await,
            _ => self.owned_step().await,
        }
        self.clogged = self.clogged.saturating_sub(1);
        if self.clogged == 1 {
            self.unclog().await;
        }
    }

    pub(crate) fn plan(&mut self) -> Plan {
        Plan::random(&mut self.random)
    }

    /// The size of a buffer. What is forgotten is never freed, so that is small as a rule.
    pub(crate) fn size(&mut self, plan: Plan) -> usize {
        let most = match self.random.below(if plan.forgets() { 100 } else { 20 }) {
            0 => 300_000,
            1..5 => 32 * 1024,
            5..10 => 64,
            _ => 4096,
        };
        1 + self.random.below(most)
    }

    /// How much the peer sends at a time.
    pub(crate) fn strength(&mut self) -> usize {
        let most = [8, 500, 500, 5000, 60_000][self.random.below(5)];
        1 + self.random.below(most)
    }

    /// Bytes that were read, in whichever way.
    pub(crate) fn took(&mut self, bytes: &[u8]) {
        assert_pattern(self.read, bytes);
        self.read += bytes.len();
        assert!(self.read <= self.peer.sent, "more than was sent");
        self.world.figures.received.add(bytes.len());
    }

    async fn receive(&mut self, kind: Kind) {
        let kind = if self.own_only && kind == Kind::Recv { Kind::Read } else { kind };
        let (plan, world) = (self.plan(), self.world.clone());
        let (size, strength) = (self.size(plan), self.strength());
        let buffer = Vec::with_capacity(size);
        let (stream, peer) = (&mut self.stream, &mut self.peer);
        let (place, strike) = ((&*world, kind), || peer.send(strength));
        let bytes = match kind {
            Kind::Recv if plan.stage == Stage::InFlight && size % 4 == 0 => {
                let limit = Duration::from_micros(size as u64);
                let timed = timeout(limit, stream.recv());
                let timed = plan.befall(place, timed, forget, strike).await;
                timed.and_then(|timed| timed.ok().map(|chunk| chunk.unwrap().to_vec()))
            }
            Kind::Recv => {
                let chunk = plan.befall(place, stream.recv(), forget, strike).await;
                chunk.map(|chunk| chunk.unwrap().to_vec())
            }
            Kind::Read => {
                let read = plan.befall(place, stream.read(buffer), forget_contents, strike).await;
                read.map(|(result, bytes)| {
                    assert_eq!(result.unwrap(), bytes.len());
                    bytes
                })
            }
            _ => {
                let read = stream.read_exact(buffer);
                let read = plan.befall(place, read, forget_contents, strike).await;
                read.map(|(result, bytes)| result.map(|()| bytes).unwrap())
            }
        };
        match bytes {
            Some(bytes) => self.took(&bytes),
            None if plan.strike != Strike::Never => self.look_for_orphans(plan).await,
            None => {}
        }
        self.drain().await;
    }

    /// The peer has sent for a future that is gone, and nothing has been asked for since: what the
    /// kernel has no more was taken by the operation that the future has left behind.
    async fn look_for_orphans(&mut self, plan: Plan) {
        nop().await.unwrap();
        nop().await.unwrap();
        let sent = self.peer.sent - self.read;
        if plan.stage > Stage::Unpolled && waiting(&self.stream, sent) < sent {
            let figures = &self.world.figures;
            if self.own_only { &figures.orphans_own } else { &figures.orphans_pool }.add(1);
        }
    }

    /// Reads what the peer has sent.
    pub(crate) async fn drain(&mut self) {
        while self.read < self.peer.sent {
            let left = self.peer.sent - self.read;
            let bytes = match self.random.below(3) {
                0 if !self.own_only => self.stream.recv().await.unwrap().to_vec(),
                1 => {
                    let (result, bytes) = self.stream.read_exact(Vec::with_capacity(left)).await;
                    result.unwrap();
                    bytes
                }
                _ => {
                    let capacity = 1 + self.random.below(2 * left);
                    self.stream.read(Vec::with_capacity(capacity)).await.1
                }
            };
            assert!(!bytes.is_empty(), "the end, with {left} bytes to come");
            self.took(&bytes);
        }
    }

    async fn write(&mut self, kind: Kind) {
        let (mut plan, world) = (self.plan(), self.world.clone());
        plan.strike = Strike::Never;
        let was_clogged = self.clogged > 0;
        plan.is_first = !was_clogged;
        let clogs = !was_clogged && self.random.below(if plan.forgets() { 60 } else { 6 }) == 0;
        let len =
            if clogs { 300_000 + self.random.below(200_000) } else { self.random.below(3000) };
        let number = self.number;
        self.number += 1;
        let bytes = message(number, len);
        let (place, stream) = ((&*world, kind), &mut self.stream);
        let sent = match kind {
            Kind::Write => {
                let write = stream.write(bytes);
                let write = plan.befall(place, write, forget_contents, || {}).await;
                write.map(|(result, bytes)| assert_eq!(result.unwrap(), bytes.len()))
            }
            Kind::WriteAll => {
                let write = stream.write_all(bytes);
                let write = plan.befall(place, write, forget_contents, || {}).await;
                write.map(|(result, _)| result.unwrap())
            }
            _ => {
                let (one, two) = bytes.split_at(bytes.len() / 2);
                let parts = vec![one.to_vec(), Vec::new(), two.to_vec()];
                let write = stream.writev(parts);
                let write = plan.befall(place, write, forget_contents, || {}).await;
                write.map(|(result, _)| assert_eq!(result.unwrap(), bytes.len()))
            }
        };
        // With an empty queue it is admitted at its first poll.
        if sent.is_some() || (plan.stage > Stage::Unpolled && !was_clogged) {
            self.must.push(number);
        }
        if clogs {
            self.clogged = 2 + self.random.below(10);
        } else if !was_clogged {
            self.peer.receive();
        }
    }

    /// The peer reads until everything that must arrive is there.
    pub(crate) async fn unclog(&mut self) {
        self.clogged = 0;
        let Some(&last) = self.must.last() else { return };
        while self.peer.receive() && !self.peer.has(last) {
            nop().await.unwrap();
        }
        // The peer may have it before the loop hears of that, above all from a full completion
        // queue. Behind a write that is done the queue is empty.
        let number = self.number;
        self.number += 1;
        self.stream.write_all(message(number, 1)).await.0.unwrap();
        self.must.push(number);
    }

    async fn accept(&mut self) {
        let (plan, world) = (self.plan(), self.world.clone());
        let place = (&*world, Kind::Accept);
        let accepted = plan.befall(place, world.listener.accept(), forget, || world.call()).await;
        if let Some(accepted) = accepted {
            drop(accepted.unwrap());
            world.accepted.set(world.accepted.get() + 1);
        }
    }

    async fn connect(&mut self) {
        let (plan, world) = (self.plan().sparing(&self.world), self.world.clone());
        let busy = self.random.below(3) > 0;
        let address = if busy { busy_address() } else { world.sink_address() };
        let place = (&*world, Kind::Connect);
        let connected = plan.befall(place, TcpStream::connect(address), forget, || {}).await;
        if let Some(connected) = connected {
            drop(connected.unwrap());
        }
        world.flush_sink();
    }

    /// Operations that are no I/O of a socket. They are not in flight: an operation that does
    /// nothing is done at once, and the kernel does not know of timers.
    async fn pass_time(&mut self) {
        let (mut plan, world) = (self.plan().sparing(&self.world), self.world.clone());
        plan.stage = plan.stage.min(Stage::Begun);
        let time = Duration::from_micros(1 + self.random.next() % 1000);
        match self.random.below(3) {
            0 => {
                let done = plan.befall((&world, Kind::Nop), nop(), forget_contents, || {}).await;
                done.into_iter().for_each(|done| done.unwrap());
            }
            1 => drop(plan.befall((&world, Kind::Timer), sleep(time), forget, || {}).await),
            _ => {
                let mut interval = interval(time);
                interval.tick().await;
                plan.befall((&world, Kind::Timer), interval.tick(), forget, || {}).await;
            }
        }
    }

    async fn look_up(&mut self) {
        let (mut plan, world) = (self.plan().sparing(&self.world), self.world.clone());
        plan.stage = plan.stage.min(Stage::Begun);
        let look_up = lookup_host("localhost:1");
        drop(plan.befall((&world, Kind::Lookup), look_up, forget, || {}).await);
    }

    async fn listen_for_ctrl_c(&mut self) {
        let (plan, world) = (self.plan().sparing(&self.world), self.world.clone());
        let pressed = plan.befall((&world, Kind::Signal), signal::ctrl_c(), forget, || {}).await;
        assert!(pressed.is_none(), "nobody has pressed it");
    }

    async fn shutdown(&mut self) {
        let (mut plan, world) = (self.plan(), self.world.clone());
        // Behind a queue it is not the kernel's, and otherwise it is done at once.
        plan.stage = plan.stage.min(Stage::Begun);
        let place = (&*world, Kind::Shutdown);
        let shutdown = self.stream.shutdown(Shutdown::Write);
        if let Some(result) = plan.befall(place, shutdown, forget, || {}).await {
            result.unwrap();
        }
        if plan.stage > Stage::Unpolled {
            while self.peer.receive() {
                nop().await.unwrap();
            }
            self.check_messages();
            self.renew();
        }
    }

    /// Everything that was begun is sent and has arrived.
    fn check_messages(&self) {
        assert!(self.peer.is_whole(), "the last message is torn");
        for number in &self.must {
            assert!(self.peer.has(*number), "message {number} is lost");
        }
    }

    /// Another connection in place of this one, which ends as it is.
    pub(crate) fn renew(&mut self) {
        self.world.figures.sent.add(self.peer.received);
        let (stream, peer) = connection(&self.world);
        drop(std::mem::replace(&mut self.stream, stream));
        self.peer = peer;
        (self.read, self.number, self.clogged) = (0, 0, 0);
        self.must.clear();
        self.own_only = self.random.below(2) == 0;
    }

    pub(crate) async fn end_in_order(mut self) {
        self.drain().await;
        self.unclog().await;
        self.stream.close().await.unwrap();
        while self.peer.receive() {
            nop().await.unwrap();
        }
        assert!(self.peer.is_whole(), "the last message is torn");
        for number in &self.must {
            assert!(self.peer.has(*number), "message {number} is lost");
        }
        self.world.figures.sent.add(self.peer.received);
    }
}

/// A connection whose other end is noted among the remains of the loop.
pub(crate) fn connection(world: &World) -> (TcpStream, Peer) {
    let (stream, peer) = narrow_pair();
    let peer = Peer::new(peer);
    world.remains.peers.borrow_mut().push(peer.another());
    (stream, peer)
}
