//! The sending side.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use ringio::buf::Slice;

use crate::support::*;

/// More than all kernel buffers of a connection take.
const LARGE: usize = 8 << 20;

#[test]
fn an_empty_write_is_done_at_once() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let (count, buffer) = stream.write(Vec::new()).await;
        assert_eq!((count.unwrap(), buffer.len()), (0, 0));
        assert_eq!(stream.writev(vec![""; 3]).await.0.unwrap(), 0);
        assert_eq!(stream.writev(Vec::<String>::new()).await.0.unwrap(), 0);
        stream.write_all("x").await.0.unwrap();
        stream.shutdown(Shutdown::Write).await.unwrap();
        let mut all = Vec::new();
        peer.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"x");
    });
}

#[test]
fn a_write_sends_all_of_a_large_buffer_and_gives_it_back() {
    run(async || {
        let (mut stream, mut other) = pair();
        let reader = start_peer(move || {
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            assert_pattern(0, &all);
            all.len()
        });
        let (count, buffer) = stream.write(pattern(0, LARGE)).await;
        assert_eq!((count.unwrap(), buffer.len()), (LARGE, LARGE));
        stream.close().await.unwrap();
        assert_eq!(reader.await, LARGE);
    });
}

#[test]
fn a_slice_sends_its_part() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let slice = Slice::new(String::from("0123456789"), 3..=5);
        let (count, slice) = stream.write(slice).await;
        assert_eq!(count.unwrap(), 3);
        assert_eq!(slice.into_inner(), "0123456789");
        stream.close().await.unwrap();
        let mut all = String::new();
        peer.read_to_string(&mut all).unwrap();
        assert_eq!(all, "345");
    });
}

/// More pieces than one call of the kernel takes, some of them empty.
#[test]
fn writev_keeps_order_over_thousands_of_pieces() {
    run(async || {
        let (mut stream, mut other) = pair();
        let mut random = Random(7);
        let (mut pieces, mut total) = (Vec::new(), 0);
        for _ in 0..5000 {
            let len = random.below(3) * random.below(1500);
            pieces.push(pattern(total, len));
            total += len;
        }
        let reader = start_peer(move || {
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            all
        });
        let (count, pieces) = stream.writev(pieces).await;
        assert_eq!((count.unwrap(), pieces.len()), (total, 5000));
        stream.shutdown(Shutdown::Write).await.unwrap();
        let all = reader.await;
        assert_eq!(all.len(), total);
        assert_pattern(0, &all);
    });
}

#[test]
fn both_ends_may_send_more_than_fits_at_the_same_time() {
    run(async || {
        let (a, b) = ring_pair();
        let one = |stream: ringio::net::TcpStream| async move {
            let (mut read, mut write) = stream.into_split();
            let sender = ringio::spawn(async move { write.write_all(pattern(0, 4 << 20)).await.0 });
            let (result, all) = read.read_exact(vec![0; 4 << 20]).await;
            result.unwrap();
            assert_pattern(0, &all);
            sender.await.unwrap().unwrap();
        };
        let (a, b) = (ringio::spawn(one(a)), ringio::spawn(one(b)));
        a.await.unwrap();
        b.await.unwrap();
    });
}

#[test]
fn writing_to_a_peer_that_is_gone_fails_and_goes_on_failing() {
    run(async || {
        let (mut stream, peer) = pair();
        drop(peer);
        let mut error = None;
        // The first writes may go out before the reset comes back.
        while error.is_none() {
            error = stream.write_all("into the void").await.0.err();
        }
        let kind = error.unwrap().kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
        for _ in 0..3 {
            assert_eq!(stream.write_all("more").await.0.unwrap_err().kind(), kind);
            assert_eq!(stream.writev(vec!["more"]).await.0.unwrap_err().kind(), kind);
        }
    });
}

#[test]
fn a_reset_ends_a_write_that_waits_and_gives_its_buffer_back() {
    run(async || {
        let (mut stream, peer) = pair();
        let task = ringio::spawn(async move { stream.write(pattern(0, LARGE)).await });
        settle().await;
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        let (result, buffer) = task.await.unwrap();
        let kind = result.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
        assert_eq!(buffer.len(), LARGE);
    });
}

#[test]
fn writing_after_shutdown_says_broken_pipe() {
    run(async || {
        for both in [false, true] {
            let (mut stream, _peer) = pair();
            let how = if both { Shutdown::Both } else { Shutdown::Write };
            stream.shutdown(how).await.unwrap();
            // Again is no error.
            stream.shutdown(how).await.unwrap();
            let (result, buffer) = stream.write_all("late").await;
            assert_eq!((result.unwrap_err().kind(), buffer), (ErrorKind::BrokenPipe, "late"));
        }
    });
}

#[test]
fn half_close_leaves_the_other_direction_open() {
    run(async || {
        let (mut stream, mut peer) = pair();
        stream.shutdown(Shutdown::Write).await.unwrap();
        let (mut ended, mut buffer) = (peer, [0; 16]);
        assert_eq!(ended.read(&mut buffer).unwrap(), 0);
        ended.write_all(b"answer").unwrap();
        assert_eq!(&stream.recv().await.unwrap()[..], b"answer");

        (stream, peer) = pair();
        peer.shutdown(Shutdown::Write).unwrap();
        assert!(stream.recv().await.unwrap().is_empty());
        stream.write_all("answer").await.0.unwrap();
        let count = peer.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"answer");
    });
}

#[test]
fn shutdown_of_both_directions_ends_both_also_after_one_has_ended() {
    run(async || {
        for first in [None, Some(Shutdown::Write), Some(Shutdown::Read)] {
            let (mut stream, mut peer) = pair();
            if let Some(how) = first {
                stream.shutdown(how).await.unwrap();
            }
            stream.shutdown(Shutdown::Both).await.unwrap();
            assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0, "{first:?}");
            assert!(stream.recv().await.unwrap().is_empty(), "{first:?}");
        }
    });
}

/// FIN comes behind writes whose futures are gone, also if the future of the shutdown is.
#[test]
fn shutdown_waits_behind_queued_writes() {
    run(async || {
        for forgetful in [false, true] {
            let (mut stream, mut other) = pair();
            assert!(poll_once(&mut Box::pin(stream.write(pattern(0, LARGE)))).await.is_pending());
            let mut shutdown = Box::pin(stream.shutdown(Shutdown::Write));
            assert!(poll_once(&mut shutdown).await.is_pending());
            let reader = start_peer(move || {
                let mut all = Vec::new();
                other.read_to_end(&mut all).unwrap();
                all
            });
            if forgetful {
                drop(shutdown);
            } else {
                shutdown.await.unwrap();
            }
            let all = reader.await;
            assert_eq!(all.len(), LARGE);
            assert_pattern(0, &all);
        }
    });
}

/// Dropped, forgotten or awaited: the bytes of each write are sent whole, in the order of the
/// first polls, and nothing of one is between those of another.
#[test]
fn writes_that_are_dropped_in_flight_are_sent_whole_and_in_order() {
    run(async || {
        let (mut stream, mut other) = narrow_pair();
        let (go, begin) = std::sync::mpsc::channel();
        let reader = start_peer(move || {
            // Late.
            begin.recv().unwrap();
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            all
        });
        // The first is above every mark; it is admitted because nothing is queued.
        let first: Rc<[u8]> = pattern(0, 1 << 20).into();
        assert!(poll_once(&mut Box::pin(stream.write(first.clone()))).await.is_pending());
        settle().await;
        assert_eq!(Rc::strong_count(&first), 2, "the transport holds the buffer");
        go.send(()).unwrap();
        let mut at = first.len();
        for kind in 0..30 {
            let bytes = pattern(at, 100_000);
            at += bytes.len();
            match kind % 3 {
                0 => {
                    let halves = vec![bytes[..30_000].to_vec(), bytes[30_000..].to_vec()];
                    let mut write = Box::pin(stream.writev(halves));
                    // Above the mark it waits for admission first.
                    if poll_once(&mut write).await.is_pending() {
                        write.await.0.unwrap();
                    }
                }
                1 => assert!(poll_once(&mut Box::pin(stream.write(bytes))).await.is_pending()),
                _ => stream.write_all(bytes).await.0.unwrap(),
            }
        }
        assert_eq!(Rc::strong_count(&first), 1, "a buffer that was sent is given back");
        stream.shutdown(Shutdown::Write).await.unwrap();
        let all = reader.await;
        assert_eq!(all.len(), at);
        assert_pattern(0, &all);
    });
}

#[test]
fn of_a_write_that_was_not_admitted_nothing_is_sent() {
    run(async || {
        let (mut stream, mut other) = narrow_pair();
        let queued = pattern(0, 1 << 20);
        assert!(poll_once(&mut Box::pin(stream.write(queued))).await.is_pending());
        let refused: Rc<[u8]> = vec![0xff; 100_000].into();
        for _ in 0..3 {
            let mut write = Box::pin(stream.write(refused.clone()));
            assert!(poll_once(&mut write).await.is_pending());
            settle().await;
            assert!(poll_once(&mut write).await.is_pending());
            drop(write);
            let many = vec![refused.clone(); 3];
            assert!(poll_once(&mut Box::pin(stream.writev(many))).await.is_pending());
            assert_eq!(Rc::strong_count(&refused), 1, "its buffer was kept");
        }
        let reader = start_peer(move || {
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            all
        });
        stream.write_all(pattern(1 << 20, 1000)).await.0.unwrap();
        stream.shutdown(Shutdown::Write).await.unwrap();
        let all = reader.await;
        assert_eq!(all.len(), (1 << 20) + 1000);
        assert_pattern(0, &all);
    });
}

/// The queue takes writes up to its mark, and one that goes beyond.
#[test]
fn writes_that_nobody_awaits_are_bounded() {
    run(async || {
        let (mut stream, _peer) = narrow_pair();
        let buffers: Vec<Rc<[u8]>> = (0..1000).map(|_| vec![1; 4096].into()).collect();
        for buffer in &buffers {
            let _ = poll_once(&mut Box::pin(stream.write(buffer.clone()))).await;
            settle().await;
        }
        let kept = buffers.iter().filter(|buffer| Rc::strong_count(buffer) > 1).count();
        assert!(kept <= 64 / 4 + 1, "{kept} buffers of 4 KiB are queued");
        assert!(kept > 4, "the writes were meant to block");
    });
}

#[test]
fn chunks_are_sent_as_they_are() {
    const TOTAL: usize = 8 << 20;
    run(async || {
        let (mut stream, mut other) = pair();
        let mut reader = other.try_clone().unwrap();
        let sender = start_peer(move || {
            other.write_all(&pattern(0, TOTAL)).unwrap();
            other.shutdown(Shutdown::Write).unwrap();
        });
        let reader = start_peer(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all
        });
        let mut turn = 0;
        loop {
            let mut chunk = stream.recv().await.unwrap();
            if chunk.is_empty() {
                break;
            }
            turn += 1;
            let front = chunk.split_to(chunk.len() / 3);
            match turn % 3 {
                0 => stream.writev(vec![front, chunk]).await.0.map(drop).unwrap(),
                1 => {
                    stream.write_all(front).await.0.unwrap();
                    stream.write_all(chunk).await.0.unwrap();
                }
                // Dropped in flight, the transport holds the lease.
                _ => {
                    stream.write_all(front).await.0.unwrap();
                    let mut write = Box::pin(stream.write_all(chunk));
                    let _ = poll_once(&mut write).await.map(|(result, _)| result.unwrap());
                }
            }
        }
        stream.close().await.unwrap();
        sender.await;
        let all = reader.await;
        assert_eq!(all.len(), TOTAL);
        assert_pattern(0, &all);
    });
}
