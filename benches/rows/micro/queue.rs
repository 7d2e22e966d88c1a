//! A queue, on each crate that has one: in and out within a task, there and back between two, and
//! many through little room.

use std::future::Future;
use std::io;
use std::rc::Rc;

use crate::row::Contestant;
use crate::sample::Sample;

use super::Work;
use super::meter::Meter;
use super::runtime::{OnRingio, OnTokio, Runtime};

const BATCH: u32 = 1_000;
const ROOM: usize = 16;

/// Both ends of a bounded channel of numbers.
trait Channel {
    type Sender: 'static;
    type Receiver: 'static;

    fn new(room: usize) -> (Self::Sender, Self::Receiver);
    /// Whether anybody is there to get it.
    fn put(sender: &Self::Sender, number: u32) -> impl Future<Output = bool>;
    fn get(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u32>>;
}

pub(super) fn measure(work: Work, on: Contestant, meter: Meter) -> io::Result<Sample> {
    match on {
        Contestant::Ringio => run::<Ringio, OnRingio<true>>(work, meter),
        Contestant::Tokio => run::<Tokio, OnTokio>(work, meter),
        Contestant::AsyncChannel => run::<AsyncChannel, OnRingio<true>>(work, meter),
        Contestant::LocalSync => run::<LocalSync, OnRingio<true>>(work, meter),
        _ => Err(io::Error::other("it has no queue")),
    }
}

fn run<C: Channel, R: Runtime>(work: Work, meter: Meter) -> io::Result<Sample> {
    match work {
        Work::PutGet => R::run(put_and_get::<C>(meter)),
        Work::TwoQueues => R::run(there_and_back::<C, R>(meter)),
        _ => R::run(stream::<C, R>(meter)),
    }
}

async fn put_and_get<C: Channel>(meter: Meter) -> Sample {
    let (sender, mut receiver) = C::new(ROOM);
    meter
        .of(BATCH, async || {
            for i in 0..BATCH {
                C::put(&sender, i).await;
                assert_eq!(C::get(&mut receiver).await, Some(i));
            }
        })
        .await
}

async fn there_and_back<C: Channel, R: Runtime>(meter: Meter) -> Sample {
    let ((there, mut heard), (answer, mut back)) = (C::new(ROOM), C::new(ROOM));
    drop(R::spawn(async move {
        while let Some(number) = C::get(&mut heard).await
            && C::put(&answer, number).await
        {}
    }));
    meter
        .of(BATCH, async || {
            for i in 0..BATCH {
                C::put(&there, i).await;
                assert_eq!(C::get(&mut back).await, Some(i));
            }
        })
        .await
}

/// The putter waits for room, the getter for items.
async fn stream<C: Channel, R: Runtime>(meter: Meter) -> Sample {
    let (sender, mut receiver) = C::new(ROOM);
    drop(R::spawn(async move {
        let mut number = 0_u32;
        while C::put(&sender, number).await {
            number = number.wrapping_add(1);
        }
    }));
    let mut expected = 0_u32;
    meter
        .of(BATCH, async || {
            for _ in 0..BATCH {
                assert_eq!(C::get(&mut receiver).await, Some(expected));
                expected = expected.wrapping_add(1);
            }
        })
        .await
}

struct Ringio;

impl Channel for Ringio {
    type Sender = Rc<ringio::queue::Queue<u32>>;
    type Receiver = Self::Sender;

    fn new(room: usize) -> (Self::Sender, Self::Receiver) {
        let queue = Rc::new(ringio::queue::Queue::bounded(room));
        (queue.clone(), queue)
    }

    async fn put(sender: &Self::Sender, number: u32) -> bool {
        sender.put(number).await.is_ok()
    }

    async fn get(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.get().await.ok()
    }
}

struct Tokio;

impl Channel for Tokio {
    type Sender = tokio::sync::mpsc::Sender<u32>;
    type Receiver = tokio::sync::mpsc::Receiver<u32>;

    fn new(room: usize) -> (Self::Sender, Self::Receiver) {
        tokio::sync::mpsc::channel(room)
    }

    async fn put(sender: &Self::Sender, number: u32) -> bool {
        sender.send(number).await.is_ok()
    }

    async fn get(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.recv().await
    }
}

struct AsyncChannel;

impl Channel for AsyncChannel {
    type Sender = async_channel::Sender<u32>;
    type Receiver = async_channel::Receiver<u32>;

    fn new(room: usize) -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(room)
    }

    async fn put(sender: &Self::Sender, number: u32) -> bool {
        sender.send(number).await.is_ok()
    }

    async fn get(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.recv().await.ok()
    }
}

struct LocalSync;

impl Channel for LocalSync {
    type Sender = local_sync::mpsc::bounded::Tx<u32>;
    type Receiver = local_sync::mpsc::bounded::Rx<u32>;

    fn new(room: usize) -> (Self::Sender, Self::Receiver) {
        local_sync::mpsc::bounded::channel(room)
    }

    async fn put(sender: &Self::Sender, number: u32) -> bool {
        sender.send(number).await.is_ok()
    }

    async fn get(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.recv().await
    }
}
