//! Both directions of connections, under futures of every fate.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::Shutdown;
use std::rc::Rc;

use futures_util::future::join;
use ringio::net::{OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream};
use ringio::testing::sim::Faults;
use ringio::{spawn, yield_now};

use crate::message::{Messages, message};
use crate::seeds::{occurred, seeds};
use crate::support::{Fate, Random};

/// Bytes of writes that are admitted whatever their futures do.
const HIGH_WATER: usize = 64 * 1024;

#[test]
fn every_byte_arrives_once_and_in_order_whatever_becomes_of_futures() {
    let seen = seeds("streaming", 7000, Faults::unkind, |run| {
        let (mut random, forgets) = (Random(run.random.next()), run.forgets);
        let read = run.run(async {
            let connections = 1 + random.below(3);
            let tasks: Vec<_> = (0..connections)
                .map(|_| spawn(connection(Random(random.next()), forgets)))
                .collect();
            let mut read = 0;
            for task in tasks {
                read += task.await.unwrap();
            }
            // With all chunks gone the kernel can have every buffer again.
            for _ in 0..1000 {
                if ringio::stats().buffers_available == ringio::stats().buffers {
                    break;
                }
                yield_now().await;
            }
            let pool = ringio::stats();
            assert_eq!(pool.buffers_available, pool.buffers, "a buffer has leaked");
            read
        });
        // The ledger: all that was sent was received, and all that was received was read, once.
        let seen = run.machine.seen();
        assert_eq!((seen.bytes_sent, seen.bytes_received), (read, read));
    });
    let hard = [
        seen.short_reads,
        seen.short_writes,
        seen.partial_submits,
        seen.refused_enters,
        seen.dry_groups,
        seen.overflows,
        seen.overflows_awake,
        seen.ended_multishots,
        seen.late_cancels,
        seen.cancelled,
        seen.cancelled_with_data,
    ];
    occurred(&seen, &hard, 100);
}

/// Gives the number of bytes that were read on both ends.
async fn connection(mut random: Random, forgets: bool) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = join(TcpStream::connect(address), listener.accept()).await;
    let (near, far) = (near.unwrap(), far.unwrap().0);
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let (mut one, mut two) = (Random(random.next()), Random(random.next()));
    let forth = direction(near_out, far_in, &mut one, forgets);
    let back = direction(far_out, near_in, &mut two, forgets);
    // A stream that is dropped cuts off what it has not sent: each end stays until both are through.
    let (forth, back) = join(forth, back).await;
    forth.1 + back.1
}

/// Writes messages on one end, reads them on the other, and compares.
async fn direction(
    out: OwnedWriteHalf,
    into: OwnedReadHalf,
    random: &mut Random,
    forgets: bool,
) -> (OwnedReadHalf, u64) {
    let sent = Rc::new(RefCell::new(Sent::default()));
    let writer = spawn(write(out, sent.clone(), Random(random.next()), forgets));
    let reader = spawn(read(into, Random(random.next()), forgets));
    writer.await.unwrap();
    let (into, received, bytes) = reader.await.unwrap();
    let received: BTreeSet<u32> = received.into_iter().collect();
    let sent = sent.borrow();
    let lost: Vec<_> = sent.surely.difference(&received).collect();
    assert!(lost.is_empty(), "messages were lost: {lost:?}");
    let invented: Vec<_> = received.difference(&sent.begun).collect();
    assert!(invented.is_empty(), "messages that nobody wrote: {invented:?}");
    (into, bytes)
}

#[derive(Default)]
struct Sent {
    /// Polled at least once.
    begun: BTreeSet<u32>,
    /// Certainly admitted.
    surely: BTreeSet<u32>,
}

impl Sent {
    fn note(&mut self, number: u32, polled: bool, surely: bool) {
        if polled {
            self.begun.insert(number);
        }
        if surely {
            self.surely.insert(number);
        }
    }
}

async fn write(
    mut out: OwnedWriteHalf,
    sent: Rc<RefCell<Sent>>,
    mut random: Random,
    forgets: bool,
) {
    // Bytes of writes whose futures are gone, since the last one that was awaited.
    let mut unheard = 0;
    for number in 0..random.below(14) as u32 {
        let len = match random.below(8) {
            0 => 0,
            1 => random.below(30_000),
            2 => 4096,
            _ => random.below(300),
        };
        let bytes = message(number, len);
        let total = bytes.len();
        let fate = Fate::random(&mut random).forgotten_if(forgets);
        let (outcome, polled) = match random.below(4) {
            0 => {
                let middle = bytes.len() / 2;
                let halves = vec![bytes[..middle].to_vec(), bytes[middle..].to_vec()];
                let (outcome, polled) = fate.befall(out.writev(halves)).await;
                (outcome.map(|(result, _)| result.map(drop)), polled)
            }
            1 => {
                let (outcome, polled) = fate.befall(out.write(bytes)).await;
                (outcome.map(|(result, _)| result.map(drop)), polled)
            }
            _ => {
                let (outcome, polled) = fate.befall(out.write_all(bytes)).await;
                (outcome.map(|(result, _)| result), polled)
            }
        };
        if let Some(result) = &outcome {
            result.as_ref().unwrap();
        }
        // A write whose future is gone was admitted if no more than the mark was before it.
        let surely = outcome.is_some() || polled && unheard <= HIGH_WATER;
        unheard = if outcome.is_some() { 0 } else { unheard + total };
        sent.borrow_mut().note(number, polled, surely);
        if random.below(4) == 0 {
            yield_now().await;
        }
    }
    if random.below(2) == 0 {
        out.shutdown(Shutdown::Write).await.unwrap();
    }
    // Dropping it ends the direction too, behind what was admitted.
}

async fn read(
    mut stream: OwnedReadHalf,
    mut random: Random,
    forgets: bool,
) -> (OwnedReadHalf, Vec<u32>, u64) {
    let mut messages = Messages::default();
    loop {
        let fate = Fate::random(&mut random).forgotten_if(forgets);
        let size = match random.below(6) {
            0 => 16 * 1024 + random.below(20_000),
            1 => 1,
            _ => 1 + random.below(2000),
        };
        let buffer = Vec::with_capacity(size);
        match random.below(5) {
            0..3 => {
                if let (Some(chunk), _) = fate.befall(stream.recv()).await {
                    let chunk = chunk.unwrap();
                    if chunk.is_empty() {
                        break;
                    }
                    messages.take(&chunk);
                }
            }
            3 => {
                if let (Some((result, buffer)), _) = fate.befall(stream.read(buffer)).await {
                    if result.unwrap() == 0 {
                        break;
                    }
                    messages.take(&buffer);
                }
            }
            _ => {
                // Forgotten, it would keep what it has taken: its documentation says so.
                let fate = fate.forgotten_if(false);
                if let (Some((result, buffer)), _) = fate.befall(stream.read_exact(buffer)).await {
                    messages.take(&buffer);
                    if result.is_err() {
                        break;
                    }
                }
            }
        }
        if random.below(6) == 0 {
            // Lets bytes gather.
            for _ in 0..random.below(5) {
                yield_now().await;
            }
        }
    }
    let bytes = messages.bytes();
    (stream, messages.whole(), bytes)
}
