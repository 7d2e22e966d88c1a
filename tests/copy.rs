//! `stream::copy` and `stream::copy_bidirectional`.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use ringio::net::TcpStream;
use ringio::stream::{copy, copy_bidirectional};
use ringio::timeout;

use support::*;

/// More than all that a proxy and its kernel buffers may hold.
const LARGE: usize = 8 << 20;

#[test]
fn copy_counts_what_it_moves_and_ends_with_the_stream() {
    run(async || {
        let ((mut from, mut left), (mut to, mut right)) = (pair(), pair());
        let sender = start_peer(move || left.write_all(&pattern(0, LARGE)).unwrap());
        let receiver = start_peer(move || {
            let mut all = vec![0; LARGE];
            right.read_exact(&mut all).unwrap();
            (all, right)
        });
        let ((mut read, _), (_, mut write)) = (from.split(), to.split());
        assert_eq!(copy(&mut read, &mut write).await.unwrap(), LARGE as u64);
        sender.await;
        let (all, right) = receiver.await;
        assert_pattern(0, &all);
        // The end is not passed on: that is the caller's matter.
        right.set_nonblocking(true).unwrap();
        assert_eq!((&right).read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

/// A client that sends all, ends its direction, and only then gets its answer.
#[test]
fn the_end_of_one_direction_is_passed_on_and_the_other_goes_on() {
    run(async || {
        let ((mut a, mut left), (mut b, mut right)) = (pair(), pair());
        let client = start_peer(move || {
            left.write_all(&pattern(0, LARGE)).unwrap();
            left.shutdown(Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            left.read_to_end(&mut answer).unwrap();
            answer
        });
        let server = start_peer(move || {
            let mut all = Vec::new();
            right.read_to_end(&mut all).unwrap();
            right.write_all(&pattern(5, LARGE / 2)).unwrap();
            all
        });
        let counts = copy_bidirectional(&mut a, &mut b).await.unwrap();
        assert_eq!(counts, (LARGE as u64, LARGE as u64 / 2));
        let (all, answer) = (server.await, client.await);
        assert_eq!((all.len(), answer.len()), (LARGE, LARGE / 2));
        assert_pattern(0, &all);
        assert_pattern(5, &answer);
    });
}

#[test]
fn both_directions_flow_at_the_same_time() {
    run(async || {
        let ((mut a, left), (mut b, right)) = (pair(), pair());
        let ends = [(left, 3), (right, 11)].map(|(mut end, from)| {
            start_peer(move || {
                let mut reader = end.try_clone().unwrap();
                let reading = std::thread::spawn(move || {
                    let mut all = Vec::new();
                    reader.read_to_end(&mut all).unwrap();
                    all
                });
                end.write_all(&pattern(from, LARGE)).unwrap();
                end.shutdown(Shutdown::Write).unwrap();
                reading.join().unwrap()
            })
        });
        let counts = copy_bidirectional(&mut a, &mut b).await.unwrap();
        assert_eq!(counts, (LARGE as u64, LARGE as u64));
        let [left, right] = ends;
        let (at_left, at_right) = (left.await, right.await);
        assert_eq!((at_left.len(), at_right.len()), (LARGE, LARGE));
        assert_pattern(11, &at_left);
        assert_pattern(3, &at_right);
    });
}

#[test]
fn an_idle_pair_ends_when_both_ends_have_gone() {
    run(async || {
        let ((mut a, left), (mut b, right)) = (pair(), pair());
        drop(left);
        drop(right);
        assert_eq!(copy_bidirectional(&mut a, &mut b).await.unwrap(), (0, 0));
    });
}

/// What a flood from both ends leaves in the proxy is bounded, and all of it comes out.
#[test]
fn a_receiver_that_does_not_read_holds_its_sender_up() {
    run(async || {
        let ((mut a, mut left), (mut b, mut right)) = (narrow_pair(), narrow_pair());
        left.set_nonblocking(true).unwrap();
        right.set_nonblocking(true).unwrap();
        let mut copying = Box::pin(copy_bidirectional(&mut a, &mut b));
        let (mut sent, mut refused) = ([0, 0], 0);
        while refused < 100 {
            for (end, sent) in [&mut left, &mut right].into_iter().zip(&mut sent) {
                match end.write(&pattern(*sent, 64 * 1024)) {
                    Ok(count) => (*sent, refused) = (*sent + count, 0),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            refused += 1;
            assert!(poll_once(&mut copying).await.is_pending());
            ringio::yield_now().await;
        }
        // Per direction: credit and a buffer, one chunk in the write queue, and the kernel's
        // share, which is four times twice 64 KiB, accounted generously.
        let bound = (256 + 64 + 64 + 8 * 64 * 2) * 1024;
        assert!(sent.iter().all(|sent| *sent <= bound), "{sent:?} bytes went in");
        let ends =
            [(left, sent[0], sent[1]), (right, sent[1], sent[0])].map(|(end, sent, other)| {
                start_peer(move || {
                    end.set_nonblocking(false).unwrap();
                    end.shutdown(Shutdown::Write).unwrap();
                    let mut all = Vec::new();
                    (&end).read_to_end(&mut all).unwrap();
                    assert_eq!(all.len(), other, "of {sent} sent here");
                    assert_pattern(0, &all);
                })
            });
        let counts = copying.await.unwrap();
        assert_eq!(counts, (sent[0] as u64, sent[1] as u64));
        for end in ends {
            end.await;
        }
    });
}

fn reset(socket: std::net::TcpStream) {
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
}

#[test]
fn an_error_of_either_connection_ends_the_copy() {
    run(async || {
        for at_right in [false, true] {
            for busy in [false, true] {
                let ((mut a, left), (mut b, right)) = (pair(), pair());
                let task = ringio::spawn(async move {
                    let result = copy_bidirectional(&mut a, &mut b).await;
                    (result, a, b)
                });
                settle().await;
                if busy {
                    (&left).write_all(&pattern(0, 100_000)).unwrap();
                    (&right).write_all(&pattern(0, 100_000)).unwrap();
                    settle().await;
                }
                let survivor = if at_right {
                    reset(right);
                    left
                } else {
                    reset(left);
                    right
                };
                let (result, a, b) = task.await.unwrap();
                let kind = result.unwrap_err().kind();
                let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(gone.contains(&kind), "{kind}");
                // The other connection is the caller's to go on with.
                let mut healthy = if at_right { a } else { b };
                healthy.write_all("sorry").await.0.unwrap();
                healthy.shutdown(Shutdown::Write).await.unwrap();
                let mut all = Vec::new();
                (&survivor).read_to_end(&mut all).unwrap();
                assert!(all.ends_with(b"sorry"));
            }
        }
    });
}

/// Copies that end at random moments, one after the other, move every byte once and in order.
async fn interrupted(a: &mut TcpStream, b: &mut TcpStream, random: &mut Random) -> usize {
    let mut interruptions = 0;
    loop {
        let ended = if random.below(2) == 0 {
            let limit = Duration::from_nanos(random.below(200_000) as u64);
            timeout(limit, copy_bidirectional(a, b)).await.is_ok()
        } else {
            let mut copying = Box::pin(copy_bidirectional(a, b));
            let mut ended = false;
            for _ in 0..random.below(8) {
                ended = poll_once(&mut copying).await.is_ready();
                if ended {
                    break;
                }
                if random.below(3) > 0 {
                    ringio::yield_now().await;
                }
            }
            ended
        };
        if ended {
            return interruptions;
        }
        interruptions += 1;
    }
}

#[test]
fn a_copy_that_is_dropped_loses_nothing() {
    run(async || {
        for seed in 0..6 {
            const TOTAL: usize = 2 << 20;
            let ((mut a, left), (mut b, right)) = (narrow_pair(), narrow_pair());
            let ends = [(left, 3), (right, 11)].map(|(mut end, from)| {
                start_peer(move || {
                    let mut reader = end.try_clone().unwrap();
                    let reading = std::thread::spawn(move || {
                        let (mut all, mut random) = (Vec::new(), Random(seed));
                        let mut buffer = vec![0; 20_000];
                        loop {
                            let room = 1 + random.below(buffer.len());
                            let count = reader.read(&mut buffer[..room]).unwrap();
                            all.extend_from_slice(&buffer[..count]);
                            if count == 0 {
                                return all;
                            }
                        }
                    });
                    end.write_all(&pattern(from, TOTAL)).unwrap();
                    end.shutdown(Shutdown::Write).unwrap();
                    reading.join().unwrap()
                })
            });
            let interruptions = interrupted(&mut a, &mut b, &mut Random(seed)).await;
            assert!(interruptions > 10, "the copy was not interrupted, seed {seed}");
            let [left, right] = ends;
            for (all, from) in [(left.await, 11), (right.await, 3)] {
                assert_pattern(from, &all);
                assert_eq!(all.len(), TOTAL, "seed {seed}");
            }
        }
    });
}

/// The queue of the target is full with writes that nobody awaits any more.
#[test]
fn a_copy_that_is_dropped_before_its_write_is_admitted_loses_nothing() {
    run(async || {
        let ((mut from, mut left), (mut to, mut right)) = (pair(), narrow_pair());
        let head = pattern(0, 2 << 20);
        let mut at = head.len();
        assert!(poll_once(&mut Box::pin(to.write(head))).await.is_pending());
        left.write_all(&pattern(at, 10_000)).unwrap();
        left.shutdown(Shutdown::Write).unwrap();
        at += 10_000;
        for _ in 0..5 {
            let ((mut read, _), (_, mut write)) = (from.split(), to.split());
            let mut copying = Box::pin(copy(&mut read, &mut write));
            for _ in 0..5 {
                assert!(poll_once(&mut copying).await.is_pending());
                settle().await;
            }
        }
        let reader = start_peer(move || {
            let mut all = Vec::new();
            right.read_to_end(&mut all).unwrap();
            all
        });
        {
            let ((mut read, _), (_, mut write)) = (from.split(), to.split());
            copy(&mut read, &mut write).await.unwrap();
        }
        to.close().await.unwrap();
        let all = reader.await;
        assert_pattern(0, &all);
        assert_eq!(all.len(), at);
    });
}
