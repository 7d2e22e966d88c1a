//! Futures that own their socket: closing, giving it away, tasks that panic or are cancelled, and
//! futures that outlive their loop. Copying, which takes a second connection.

use std::mem::forget;

use ringio::net::TcpStream;
use ringio::op::nop;
use ringio::stream::{copy, copy_bidirectional};

use super::connection::{Peer, message};
use super::end::{End, Planned, Stage, Strike, planned_panic};
use super::figures::Kind;
use super::lane::{Lane, connection};
use super::world::Survivor;
use crate::support::*;

impl Lane {
    pub(crate) async fn owned_step(&mut self) {
        match self.random.below(21) {
            0..2 => self.close().await,
            2..4 => self.give_away().await,
            4..8 => self.copy().await,
            8..11 => self.copy_both_ways().await,
            11..18 => self.task().await,
            _ => self.survive().await,
        }
    }

    /// Puts another connection in the place of this one, and gives the socket.
    fn take_stream(&mut self) -> (TcpStream, Peer) {
        let (stream, peer) = connection(&self.world);
        let old = std::mem::replace(&mut self.stream, stream);
        let old_peer = std::mem::replace(&mut self.peer, peer);
        self.renew();
        (old, old_peer)
    }

    async fn close(&mut self) {
        let (mut plan, world) = (self.plan().sparing(&self.world), self.world.clone());
        // It waits for the sends, or is done at once.
        plan.is_first = false;
        let (stream, mut peer) = self.take_stream();
        let place = (&*world, Kind::Close);
        let closed = plan.befall(place, stream.close(), forget, || peer.send(100)).await;
        if let Some(closed) = closed {
            closed.unwrap();
        }
        peer.receive();
    }

    async fn give_away(&mut self) {
        self.unclog().await;
        let (plan, world) = (self.plan().sparing(&self.world), self.world.clone());
        let strength = self.strength();
        let (stream, mut peer) = self.take_stream();
        // An operation in flight, for it to stop.
        let mut stream = stream;
        drop(poll_once(&mut Box::pin(stream.recv())).await);
        let place = (&*world, Kind::IntoStd);
        let given = plan.befall(place, stream.into_std(), forget, || peer.send(strength)).await;
        if let Some(given) = given {
            let (socket, _leftover) = given.unwrap();
            drop(TcpStream::from_std(socket).unwrap());
        }
        peer.receive();
    }

    async fn copy(&mut self) {
        self.drain().await;
        self.own_only = false;
        let (plan, world) = (self.plan(), self.world.clone());
        let strength = self.strength();
        let (mut to, mut end) = connection(&world);
        let peer = &mut self.peer;
        let (mut read, _) = self.stream.split();
        let (_, mut write) = to.split();
        let copying = copy(&mut read, &mut write);
        let place = (&*world, Kind::Copy);
        let ended = plan.befall(place, copying, forget, || peer.send(strength)).await;
        assert!(ended.is_none(), "it ended: {ended:?}");
        to.close().await.unwrap();
        let copied = end.rest().await;
        self.took(&copied);
        self.drain().await;
    }

    /// The peer of the other connection sends a message of ours.
    async fn copy_both_ways(&mut self) {
        self.drain().await;
        self.unclog().await;
        self.own_only = false;
        let (plan, world) = (self.plan(), self.world.clone());
        let strength = self.strength();
        let (mut other, mut end) = connection(&world);
        let (number, len) = (self.number, self.random.below(5000));
        self.number += 1;
        let peer = &mut self.peer;
        let strike = || {
            end.send_message(number, len);
            peer.send(strength);
        };
        let copying = copy_bidirectional(&mut self.stream, &mut other);
        let place = (&*world, Kind::CopyBidirectional);
        let ended = plan.befall(place, copying, forget, strike).await;
        assert!(ended.is_none(), "it ended: {ended:?}");
        // What is left of the message is copied to its end.
        end.end();
        let (mut read, _) = other.split();
        let (_, mut write) = self.stream.split();
        copy(&mut read, &mut write).await.unwrap();
        if plan.strike != Strike::Never {
            self.must.push(number);
        }
        other.close().await.unwrap();
        let copied = end.rest().await;
        self.took(&copied);
        self.drain().await;
    }

    /// A task that holds several futures in flight, when it panics or is cancelled.
    async fn task(&mut self) {
        let world = self.world.clone();
        let (plan, size) = (self.plan(), self.random.below(50_000));
        let strength = self.strength();
        let (stream, mut peer) = self.take_stream();
        let panics = self.random.below(2) == 0;
        if plan.stage != Stage::InFlight && plan.strike == Strike::Before {
            // The receive is submitted after its future and its socket are gone, and takes these.
            peer.try_send(strength);
        }
        let ours = world.clone();
        let task = ringio::spawn(async move {
            let (mut read, mut write) = stream.into_split();
            let mut reading = Box::pin(read.read(vec![0; size + 1]));
            let mut writing = Box::pin(write.write_all(message(0, 400_000)));
            let mut accepting = Box::pin(ours.listener.accept());
            let mut polls = 0;
            loop {
                assert!(poll_once(&mut reading).await.is_pending());
                assert!(poll_once(&mut writing).await.is_pending());
                if let std::task::Poll::Ready(accepted) = poll_once(&mut accepting).await {
                    drop(accepted.unwrap());
                    ours.accepted.set(ours.accepted.get() + 1);
                    accepting = Box::pin(ours.listener.accept());
                }
                polls += 1;
                if polls == 2 || plan.stage != Stage::InFlight {
                    break;
                }
                nop().await.unwrap();
            }
            let in_flight = plan.stage == Stage::InFlight;
            let end = if panics { End::Panicked } else { End::Dropped };
            ours.note(Kind::Read, end, in_flight);
            ours.note(Kind::WriteAll, end, in_flight);
            ours.note(Kind::Accept, end, in_flight);
            if panics {
                planned_panic();
            }
            std::future::pending::<()>().await;
        });
        if panics {
            let panic = task.await.unwrap_err().into_panic();
            assert!(panic.is::<Planned>());
        } else {
            settle_briefly().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        // The socket is being closed.
        peer.try_send(strength);
        peer.receive();
    }

    /// A future in flight that goes to the remains of the loop.
    async fn survive(&mut self) {
        let world = self.world.clone();
        let (stream, mut peer) = self.take_stream();
        let (kind, size) = (self.random.below(3), self.random.below(20_000));
        let mut stream = stream;
        let mut survivor: Survivor = Box::pin(async move {
            match kind {
                0 => drop(stream.recv().await),
                1 => drop(stream.read(vec![0; size + 1]).await),
                _ => drop(stream.write(message(0, 300_000 + size)).await),
            }
        });
        assert!(poll_once(&mut survivor).await.is_pending());
        nop().await.unwrap();
        if poll_once(&mut survivor).await.is_pending() {
            world.remains.survivors.borrow_mut().push(survivor);
        }
        peer.receive();
    }
}

/// Enough for a task that was spawned to come to where it waits.
async fn settle_briefly() {
    for _ in 0..4 {
        nop().await.unwrap();
    }
}
