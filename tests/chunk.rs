//! `Chunk` and the pool that it leases from.

mod support;

use std::io::Write;
use std::net::Shutdown;

use ringio::net::TcpStream;
use ringio::{Chunk, Runner, yield_now};

use support::*;

#[test]
fn a_chunk_may_outlive_its_loop() {
    within(|| {
        let mut chunks = ringio::run(async {
            let (mut stream, mut peer) = pair();
            let mut chunks = Vec::new();
            for at in 0..10 {
                peer.write_all(&pattern(at * 1000, 1000)).unwrap();
                let mut left = 1000;
                while left > 0 {
                    let chunk = stream.recv().await.unwrap();
                    left -= chunk.len();
                    chunks.push(chunk);
                }
            }
            chunks
        });
        // Another loop's buffers must not be the same memory.
        ringio::run(async {
            let (mut stream, mut peer) = pair();
            peer.write_all(&[0xff; 20_000]).unwrap();
            drop(stream.recv().await.unwrap());
        });
        let front = chunks[0].split_to(7);
        assert_pattern(0, &front);
        let rest: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.to_vec()).collect();
        assert_pattern(7, &rest);
        drop(chunks);
        assert_pattern(0, &front);
    });
}

#[test]
fn a_chunk_of_an_ended_loop_can_be_sent_on_another() {
    within(|| {
        let chunk = ringio::run(async {
            let (mut stream, mut peer) = pair();
            peer.write_all(b"from the first").unwrap();
            stream.recv().await.unwrap()
        });
        ringio::run(async {
            let (mut left, mut right) = ring_pair();
            left.write_all(chunk).await.0.unwrap();
            assert_eq!(&right.recv().await.unwrap()[..], b"from the first");
        });
    });
}

#[test]
fn the_parts_of_a_chunk_are_its_bytes() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"0123456789").unwrap();
        let mut rest = stream.recv().await.unwrap();
        let (none, front) = (rest.split_to(0), rest.split_to(4));
        assert!(none.is_empty());
        assert_eq!((&front[..], rest.as_ref()), (&b"0123"[..], &b"456789"[..]));
        let all = rest.split_to(6);
        assert!(rest.is_empty() && rest.split_to(0).is_empty());
        drop((front, rest));
        assert_eq!(&all[..], b"456789");
        let mut end = {
            drop(peer);
            stream.recv().await.unwrap()
        };
        assert!(end.split_to(0).is_empty());
    });
}

#[test]
#[should_panic(expected = "split_to(5) of a chunk of 4 bytes")]
fn splitting_off_more_than_there_is_panics() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"four").unwrap();
        drop(stream.recv().await.unwrap().split_to(5));
    });
}

/// Memory that a chunk holds is not filled again, however much comes after it.
#[test]
fn the_bytes_of_kept_chunks_do_not_change() {
    run(async || {
        let (mut stream, mut other) = pair();
        const TOTAL: usize = 8 << 20;
        let sender = start_peer(move || other.write_all(&pattern(0, TOTAL)).unwrap());
        let mut kept: Vec<(usize, Chunk)> = Vec::new();
        let (mut at, mut random) = (0, Random(3));
        while at < TOTAL {
            let mut chunk = stream.recv().await.unwrap();
            let len = chunk.len();
            let part = chunk.split_to(random.below(len + 1));
            if random.below(4) > 0 {
                kept.push((at, part));
            } else {
                kept.push((at + part.len(), chunk));
            }
            at += len;
            if kept.len() > 40 {
                let (at, chunk) = kept.swap_remove(random.below(kept.len()));
                assert_pattern(at, &chunk);
            }
        }
        sender.await;
        kept.iter().for_each(|(at, chunk)| assert_pattern(*at, chunk));
    });
}

fn tiny_pool<T: Send + 'static>(body: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    within(move || Runner::builder().buffers(2, 4096).build().unwrap().run(body()).unwrap())
}

async fn echo(mut stream: TcpStream) {
    loop {
        let chunk = stream.recv().await.unwrap();
        if chunk.is_empty() {
            return;
        }
        stream.write_all(chunk).await.0.unwrap();
    }
}

/// Sends in messages of many sizes and gets all of it back.
async fn well_behaved_neighbour(total: usize) {
    let (stream, mut other) = pair();
    stream.set_nodelay(true).unwrap();
    let server = ringio::spawn(echo(stream));
    peer(move || {
        let mut random = Random(5);
        let mut at = 0;
        while at < total {
            let len = (1 + random.below(9000)).min(total - at);
            other.write_all(&pattern(at, len)).unwrap();
            let mut back = vec![0; len];
            std::io::Read::read_exact(&mut other, &mut back).unwrap();
            assert_pattern(at, &back);
            at += len;
        }
        other.shutdown(Shutdown::Write).unwrap();
    })
    .await;
    server.await.unwrap();
}

#[test]
fn peers_that_leave_a_byte_unread_do_not_stop_their_neighbour() {
    tiny_pool(async || {
        let mut slow = Vec::new();
        for _ in 0..64 {
            let (mut stream, mut peer) = pair();
            assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
            peer.write_all(b"1").unwrap();
            slow.push((stream, peer));
            yield_now().await;
        }
        well_behaved_neighbour(1 << 20).await;
        for (stream, peer) in &mut slow {
            assert_eq!(&stream.recv().await.unwrap()[..], b"1");
            peer.write_all(b"again").unwrap();
            assert_eq!(&stream.recv().await.unwrap()[..], b"again");
        }
    });
}

/// As the peers above, but with a reader each that keeps what it gets.
#[test]
fn a_task_that_keeps_every_chunk_does_not_stop_its_neighbour() {
    tiny_pool(async || {
        let mut kept: Vec<(usize, Chunk)> = Vec::new();
        let (mut hoarded, mut peer) = pair();
        let mut at = 0;
        for round in 0..100 {
            let len = if round % 2 == 0 { 1 } else { 5000 };
            peer.write_all(&pattern(at, len)).unwrap();
            let end = at + len;
            while at < end {
                let chunk = hoarded.recv().await.unwrap();
                let len = chunk.len();
                kept.push((at, chunk));
                at += len;
            }
        }
        assert!(kept.iter().any(|(_, chunk)| is_on_heap(chunk)), "the pool was not dry");
        well_behaved_neighbour(1 << 20).await;
        kept.iter().for_each(|(at, chunk)| assert_pattern(*at, chunk));
    });
}

/// Keeps chunks until the pool is dry. Each is taken at once: one that is parked for a turn may be
/// moved to the heap.
async fn hoard() -> (Vec<Chunk>, TcpStream, std::net::TcpStream) {
    let (mut stream, mut peer) = pair();
    let mut kept = Vec::new();
    while !kept.last().is_some_and(is_on_heap) {
        peer.write_all(&pattern(0, 4096)).unwrap();
        kept.push(stream.recv().await.unwrap());
    }
    assert_eq!(kept.iter().filter(|chunk| !is_on_heap(chunk)).count(), 2);
    (kept, stream, peer)
}

fn is_on_heap(chunk: &Chunk) -> bool {
    format!("{chunk:?}").contains("heap")
}

#[test]
fn with_a_dry_pool_every_reader_is_served() {
    tiny_pool(async || {
        let _hoard = hoard().await;
        let (mut readers, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let (mut stream, peer) = pair();
            peers.push(peer);
            readers.push(ringio::spawn(async move {
                let mut all = Vec::new();
                while all.len() < 100 {
                    all.extend_from_slice(&stream.recv().await.unwrap());
                }
                all
            }));
        }
        settle().await;
        for at in 0..10 {
            for peer in peers.iter_mut().rev() {
                peer.write_all(&pattern(at * 10, 10)).unwrap();
            }
            settle().await;
        }
        for reader in readers {
            assert_pattern(0, &reader.await.unwrap());
        }
    });
}

#[test]
fn a_stream_that_is_dropped_while_it_waits_for_a_buffer_is_closed() {
    tiny_pool(async || {
        let _hoard = hoard().await;
        for busy in [false, true] {
            for turns in 0..6 {
                let (mut stream, _peer) = pair();
                let socket = identity(&stream);
                if busy {
                    drop(poll_once(&mut Box::pin(stream.write(vec![0; 8 << 20]))).await);
                }
                drop(poll_once(&mut Box::pin(stream.recv())).await);
                for _ in 0..turns {
                    yield_now().await;
                }
                drop(stream);
                until(|| !is_open(&socket)).await;
            }
        }
    });
}

/// A reader that waits in line for a buffer must hear of the end, too.
#[test]
fn abort_wakes_a_reader_that_waits_for_a_buffer() {
    tiny_pool(async || {
        let _hoard = hoard().await;
        for turns in 0..6 {
            let (stream, _peer) = pair();
            let (mut read, mut write) = stream.into_split();
            let reader = ringio::spawn(async move { read.recv().await.map(drop) });
            for _ in 0..turns {
                yield_now().await;
            }
            write.abort();
            let error = reader.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
        }
    });
}

/// The same traffic over pools of all shapes.
#[test]
fn pools_of_any_shape_give_every_byte_in_order() {
    for (count, size) in [(1, 1), (1, 4096), (3, 100), (5, 1000), (64, 16), (2, 1 << 20)] {
        within(move || {
            let mut runner = Runner::builder().buffers(count, size).build().unwrap();
            runner
                .run(async {
                    let total = if size == 1 { 2000 } else { 100_000 };
                    let (mut stream, mut other) = pair();
                    let sender = start_peer(move || {
                        let (mut at, mut random) = (0, Random(9));
                        while at < total {
                            let len = (1 + random.below(3000)).min(total - at);
                            other.write_all(&pattern(at, len)).unwrap();
                            at += len;
                        }
                    });
                    let mut all = Vec::new();
                    let mut kept = Vec::new();
                    loop {
                        let chunk = stream.recv().await.unwrap();
                        if chunk.is_empty() {
                            break;
                        }
                        all.extend_from_slice(&chunk);
                        if all.len() % 3 == 0 {
                            kept.push(chunk);
                        }
                    }
                    sender.await;
                    assert_eq!(all.len(), total, "{count} buffers of {size}");
                    assert_pattern(0, &all);
                })
                .unwrap();
        });
    }
}

#[test]
fn a_pool_that_cannot_be_is_refused() {
    for (count, size) in [(0, 4096), (4, 0), (32_769, 1)] {
        let error = Runner::builder().buffers(count, size).build().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
    }
}
