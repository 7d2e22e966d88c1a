//! Futures that end before their operation does: dropped, forgotten, timed out, or beaten in a
//! `select`. The connection owns the operation, so nothing is lost, torn or freed too early.
//!
//! # Safety
//! [`Tracked`] is a vector, whose bytes do not move with it, and a note of when it is dropped.

#![allow(unsafe_code, reason = "a buffer that notes when it is dropped")]

mod drop_inflight {
    mod random;
}
mod support;

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use ringio::buf::{IoBuf, IoBufMut};
use ringio::net::TcpStream;
use ringio::{Runner, timeout};

use support::*;

/// A buffer that counts its end, and in ending drops what it carries.
struct Tracked {
    bytes: Vec<u8>,
    dropped: Rc<Cell<usize>>,
    _cargo: Option<TcpStream>,
}

impl Tracked {
    fn new(capacity: usize) -> (Tracked, Rc<Cell<usize>>) {
        Self::with_cargo(capacity, None)
    }

    fn with_cargo(capacity: usize, cargo: Option<TcpStream>) -> (Tracked, Rc<Cell<usize>>) {
        let dropped = Rc::new(Cell::new(0));
        let bytes = Vec::with_capacity(capacity);
        (Tracked { bytes, dropped: dropped.clone(), _cargo: cargo }, dropped)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.dropped.set(self.dropped.get() + 1);
        // User code may do anything here, such as to use the loop.
        if ringio::task::current().is_some() {
            drop(ringio::spawn(async {}));
        }
    }
}

// SAFETY: the bytes are the vector's, on the heap.
unsafe impl IoBuf for Tracked {
    fn as_ptr(&self) -> *const u8 {
        self.bytes.as_ptr()
    }
    fn len(&self) -> usize {
        self.bytes.len()
    }
}

// SAFETY: as above; the vector owns `capacity` bytes.
unsafe impl IoBufMut for Tracked {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }
    fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
    unsafe fn set_len(&mut self, n: usize) {
        // SAFETY: the caller vouches for `n` initialised bytes within the capacity.
        unsafe { self.bytes.set_len(n) }
    }
}

#[test]
fn what_arrives_for_a_read_that_was_dropped_goes_to_the_next_call() {
    run(async || {
        for turns in [0, 20] {
            for next in 0..3 {
                let (mut stream, mut peer) = pair();
                assert!(poll_once(&mut Box::pin(stream.read(vec![0; 100]))).await.is_pending());
                for _ in 0..turns {
                    ringio::yield_now().await;
                }
                peer.write_all(b"later").unwrap();
                let bytes = match next {
                    0 => stream.recv().await.unwrap().to_vec(),
                    1 => stream.read(Vec::with_capacity(100)).await.1,
                    _ => stream.read_exact(vec![0; 5]).await.1,
                };
                assert_eq!(bytes, b"later", "{turns} turns, next call {next}");
            }
        }
    });
}

/// The bytes are in the future's own buffer when it is dropped.
#[test]
fn what_has_arrived_for_a_read_that_is_dropped_goes_to_the_next_call() {
    run(async || {
        for forget in [false, true] {
            let (mut stream, mut peer) = pair();
            let mut read = Box::pin(stream.read(vec![0; 100]));
            assert!(poll_once(&mut read).await.is_pending());
            settle().await;
            peer.write_all(b"there").unwrap();
            settle().await;
            if forget {
                std::mem::forget(read);
            } else {
                drop(read);
            }
            peer.write_all(b"more").unwrap();
            let (result, bytes) = stream.read_exact(vec![0; 9]).await;
            result.unwrap();
            assert_eq!(bytes, b"theremore");
        }
    });
}

#[test]
fn a_read_exact_that_is_dropped_half_way_gives_its_bytes_back() {
    run(async || {
        for late in [false, true] {
            let (mut stream, mut peer) = pair();
            let mut read = Box::pin(stream.read_exact(vec![0; 100]));
            for at in [0, 10, 20] {
                peer.write_all(&pattern(at, 10)).unwrap();
                assert!(poll_once(&mut read).await.is_pending());
                settle().await;
            }
            if late {
                assert!(poll_once(&mut read).await.is_pending());
            }
            peer.write_all(&pattern(30, 10)).unwrap();
            drop(read);
            peer.write_all(&pattern(40, 10)).unwrap();
            let mut all = Vec::new();
            while all.len() < 50 {
                all.extend_from_slice(&stream.recv().await.unwrap());
            }
            assert_pattern(0, &all);
        }
    });
}

#[test]
fn a_read_that_was_forgotten_does_not_keep_the_bytes() {
    run(async || {
        for next in 0..3 {
            let (mut stream, mut peer) = pair();
            for round in 0..10 {
                let mut read = Box::pin(stream.read(vec![0; 1000]));
                assert!(poll_once(&mut read).await.is_pending());
                std::mem::forget(read);
                if round % 2 == 0 {
                    settle().await;
                }
                peer.write_all(&pattern(round * 50, 50)).unwrap();
                let bytes = match next {
                    0 => stream.recv().await.unwrap().to_vec(),
                    1 => stream.read(Vec::with_capacity(100)).await.1,
                    _ => stream.read_exact(vec![0; 50]).await.1,
                };
                assert_eq!(bytes.len(), 50, "round {round}, next call {next}");
                assert_pattern(round * 50, &bytes);
            }
        }
    });
}

#[test]
fn a_forgotten_recv_or_write_is_as_good_as_a_dropped_one() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let mut recv = Box::pin(stream.recv());
        assert!(poll_once(&mut recv).await.is_pending());
        std::mem::forget(recv);
        peer.write_all(b"in").unwrap();
        assert_eq!(&stream.recv().await.unwrap()[..], b"in");
        let mut write = Box::pin(stream.write_all("first, "));
        assert!(poll_once(&mut write).await.is_pending());
        std::mem::forget(write);
        stream.write_all("second").await.0.unwrap();
        let mut buffer = [0; 13];
        peer.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"first, second");
    });
}

/// A task that has used up its turn waits for the next one, but not with what it has begun.
#[test]
fn a_write_of_a_busy_task_is_begun_at_its_first_poll_too() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let (mut ended, other) = pair();
        drop(other);
        assert!(ended.recv().await.unwrap().is_empty());
        // Ready operations, until the task is told to wait.
        while let Poll::Ready(end) = poll_once(&mut Box::pin(ended.recv())).await {
            end.unwrap();
        }
        assert!(poll_once(&mut Box::pin(stream.write_all("begun, "))).await.is_pending());
        stream.write_all("next").await.0.unwrap();
        stream.close().await.unwrap();
        let mut all = String::new();
        peer.read_to_string(&mut all).unwrap();
        assert_eq!(all, "begun, next");
    });
}

#[test]
fn a_buffer_in_the_kernels_hands_is_dropped_once_and_not_before_it_is_back() {
    run(async || {
        let (mut stream, _peer) = pair();
        let (buffer, dropped) = Tracked::new(4096);
        let mut read = Box::pin(stream.read(buffer));
        assert!(poll_once(&mut read).await.is_pending());
        settle().await;
        drop(read);
        assert_eq!(dropped.get(), 0, "the kernel may still write to it");
        until(|| dropped.get() > 0).await;
        // Not in flight: at once.
        let (buffer, dropped) = Tracked::new(4096);
        drop(stream.read(buffer));
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_buffer_may_use_the_loop_when_it_is_dropped() {
    run(async || {
        for write in [false, true] {
            let (mut stream, _peer) = pair();
            let (mut cargo, _other) = pair();
            let socket = identity(&cargo);
            assert!(poll_once(&mut Box::pin(cargo.recv())).await.is_pending());
            let (mut buffer, dropped) = Tracked::with_cargo(8 << 20, Some(cargo));
            if write {
                buffer.bytes.resize(8 << 20, 0);
                assert!(poll_once(&mut Box::pin(stream.write(buffer))).await.is_pending());
            } else {
                assert!(poll_once(&mut Box::pin(stream.read(buffer))).await.is_pending());
            }
            settle().await;
            drop(stream);
            until(|| dropped.get() == 1).await;
            until(|| !is_open(&socket)).await;
        }
    });
}

#[test]
fn a_loop_that_ends_gives_back_the_buffers_of_dropped_futures() {
    within(|| {
        let mut runner = Runner::builder().build().unwrap();
        let (dropped, _streams) = runner
            .run(async {
                let ((mut reading, _a), (mut writing, b)) = (pair(), pair());
                let (buffer, read) = Tracked::new(100_000);
                drop(poll_once(&mut Box::pin(reading.read(buffer))).await);
                let (mut buffer, written) = Tracked::new(8 << 20);
                buffer.bytes.resize(8 << 20, 0);
                drop(poll_once(&mut Box::pin(writing.write(buffer))).await);
                ([read, written], (reading, writing, b))
            })
            .unwrap();
        assert_eq!(dropped[1].get(), 0);
        runner.close();
        assert!(dropped.iter().all(|dropped| dropped.get() == 1));
    });
}

/// The futures outlive the loop that their operations were on.
#[test]
fn futures_in_flight_may_outlive_their_loop() {
    within(|| {
        let mut runner = Runner::builder().build().unwrap();
        let ((mut one, _a), (mut two, _b)) = runner.run(async { (pair(), pair()) }).unwrap();
        let (buffer, read_dropped) = Tracked::new(100);
        let (mut large, write_dropped) = Tracked::new(8 << 20);
        large.bytes.resize(8 << 20, 0);
        let mut read = Box::pin(one.read(buffer));
        let mut write = Box::pin(two.write(large));
        runner
            .run(async {
                assert!(poll_once(&mut read).await.is_pending());
                assert!(poll_once(&mut write).await.is_pending());
                settle().await;
            })
            .unwrap();
        drop(runner);
        assert_eq!((read_dropped.get(), write_dropped.get()), (0, 0));
        ringio::run(async {
            let (result, buffer) = read.await;
            assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
            drop(buffer);
            let (result, buffer) = write.await;
            result.unwrap_err();
            drop(buffer);
        });
        assert_eq!((read_dropped.get(), write_dropped.get()), (1, 1));
    });
}

#[test]
fn a_timeout_in_the_middle_of_traffic_loses_nothing() {
    const TOTAL: usize = 4 << 20;
    run(async || {
        let (mut stream, mut other) = pair();
        let sender = start_peer(move || {
            let (mut at, mut random) = (0, Random(11));
            while at < TOTAL {
                let len = (1 + random.below(20_000)).min(TOTAL - at);
                other.write_all(&pattern(at, len)).unwrap();
                at += len;
            }
            other.shutdown(Shutdown::Write).unwrap();
            other
        });
        let (mut at, mut random) = (0, Random(12));
        loop {
            let limit = Duration::from_nanos(random.below(60_000) as u64);
            let capacity = 1 + random.below(50_000);
            let bytes = match random.below(3) {
                0 => timeout(limit, stream.recv()).await.map(|chunk| chunk.unwrap().to_vec()),
                1 => timeout(limit, stream.read(vec![0; capacity])).await.map(|(result, bytes)| {
                    result.unwrap();
                    bytes
                }),
                _ => timeout(limit, stream.read_exact(vec![0; capacity])).await.map(|read| read.1),
            };
            let Ok(bytes) = bytes else { continue };
            assert_pattern(at, &bytes);
            at += bytes.len();
            if bytes.is_empty() {
                break;
            }
        }
        assert_eq!(at, TOTAL);
        sender.await;
    });
}
