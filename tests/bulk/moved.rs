//! What goes through a pipe, and what does not.

use std::io::{Read, Write};
use std::net::Shutdown;

use ringio::stats;
use ringio::stream::{copy, copy_bidirectional};

use super::line::*;
use crate::support::*;

/// An echo through a copy, `count` times; says how many of the copy's rounds went through a pipe.
async fn echo(size: usize, count: usize) -> u64 {
    let ((mut a, left), (mut b, right)) = (pair(), pair());
    let before = stats().splices;
    left.set_nodelay(true).unwrap();
    right.set_nodelay(true).unwrap();
    a.set_nodelay(true).unwrap();
    b.set_nodelay(true).unwrap();
    let echo = start_peer(move || {
        let mut buffer = vec![0; size];
        while (&right).read_exact(&mut buffer).is_ok() {
            (&right).write_all(&buffer).unwrap();
        }
    });
    let client = start_peer(move || {
        let mut buffer = vec![0; size];
        for round in 0..count {
            let message = pattern(round, size);
            (&left).write_all(&message).unwrap();
            (&left).read_exact(&mut buffer).unwrap();
            assert!(buffer == message, "round {round}");
        }
        left.shutdown(Shutdown::Write).unwrap();
    });
    copy_bidirectional(&mut a, &mut b).await.unwrap();
    client.await;
    echo.await;
    stats().splices - before
}

#[test]
fn large_messages_go_through_a_pipe_and_others_never_do() {
    run_level(async || {
        for (size, count) in [(64, 2_000), (512, 2_000), (16 * 1024, 200), (32 * 1024, 200)] {
            assert_eq!(echo(size, count).await, 0, "{size}");
        }
        let through = echo(256 * 1024, 50).await;
        assert!(through > 50, "{through} of 100");
    });
}

/// Few bytes at a time after many: the copy is by chunks again.
#[test]
fn a_copy_goes_back_when_little_comes_at_a_time() {
    run_level(async || {
        let Line { left, mut from, mut to, right } = line();
        let ((mut read, _), (_, mut write)) = (from.split(), to.split());
        let mut copying = Box::pin(copy(&mut read, &mut write));
        let mut at = 0;
        for _ in 0..5 {
            flow(&mut copying, (&left, &right), at, 4 << 20).await;
            at += 4 << 20;
            let mut last = 0;
            for _ in 0..100 {
                let before = stats().splices;
                (&left).write_all(&pattern(at, 100)).unwrap();
                let receiver = right.try_clone().unwrap();
                beside(&mut copying, peer(move || receive(&receiver, at, 100))).await;
                at += 100;
                last = stats().splices - before;
            }
            assert_eq!(last, 0, "still through a pipe");
        }
        left.shutdown(Shutdown::Write).unwrap();
        assert_eq!(copying.await.unwrap(), at as u64);
    });
}

/// Phases of many bytes and of few, with turns that depend on the seed.
#[test]
fn both_ways_between_few_and_many_bytes_everything_arrives() {
    run_level(async || {
        for seed in repetitions(4) {
            let (Line { left, mut from, mut to, right }, before) = (line(), stats().splices);
            let ends = [(left, 3, 11), (right, 11, 3)].map(|(end, mine, others)| {
                start_peer(move || {
                    let sender = end.try_clone().unwrap();
                    let sending = std::thread::spawn(move || {
                        let mut random = Random(seed * 2 + u64::from(mine == 3));
                        let mut at = mine;
                        for _ in 0..6 {
                            let len = 1 + random.below(4 << 20);
                            send(&sender, at, len, &mut random);
                            at += len;
                            // The pause makes the phases, whatever its length.
                            (0..random.below(50)).for_each(|_| std::thread::yield_now());
                        }
                        sender.shutdown(Shutdown::Write).unwrap();
                        at - mine
                    });
                    let (mut all, mut random) = (Vec::new(), Random(!seed));
                    let mut buffer = vec![0; 200_000];
                    loop {
                        let room = 1 + random.below(buffer.len());
                        let count = (&end).read(&mut buffer[..room]).unwrap();
                        assert_pattern(others + all.len(), &buffer[..count]);
                        all.extend_from_slice(&buffer[..count]);
                        if count == 0 {
                            return (sending.join().unwrap(), all.len());
                        }
                    }
                })
            });
            let (there, back) = copy_bidirectional(&mut from, &mut to).await.unwrap();
            let [left, right] = ends;
            let (left, right) = (left.await, right.await);
            assert_eq!((left.0, right.0), (there as usize, back as usize), "seed {seed}");
            assert_eq!((left.1, right.1), (back as usize, there as usize), "seed {seed}");
            assert!(stats().splices > before + 10, "seed {seed}");
        }
    });
}

/// From a connection to itself.
#[test]
fn an_echo_of_many_bytes_comes_back() {
    run_level(async || {
        const LEN: usize = 16 << 20;
        let ((mut ours, end), before) = (pair(), stats().splices);
        let sender = end.try_clone().unwrap();
        let sending = start_peer(move || {
            send(&sender, 0, LEN, &mut Random(1));
            sender.shutdown(Shutdown::Write).unwrap();
        });
        let receiving = start_peer(move || receive(&end, 0, LEN));
        let (mut read, mut write) = ours.split();
        assert_eq!(copy(&mut read, &mut write).await.unwrap(), LEN as u64);
        sending.await;
        receiving.await;
        assert!(stats().splices > before + 4);
    });
}

/// A peer that does not read costs its pipe and what the kernel's own buffers hold, no more.
#[test]
fn a_receiver_that_does_not_read_holds_its_sender_up() {
    run_level(async || {
        let Line { left, mut from, mut to, right } = line();
        // The sender's side is bounded too, and large enough for rounds that are worth it.
        for socket in [&left, &right] {
            socket2::SockRef::from(socket).set_send_buffer_size(256 * 1024).unwrap();
        }
        socket2::SockRef::from(&from).set_recv_buffer_size(256 * 1024).unwrap();
        let ((mut read, _), (_, mut write)) = (from.split(), to.split());
        let mut copying = Box::pin(copy(&mut read, &mut write));
        flow(&mut copying, (&left, &right), 0, 4 << 20).await;
        let before = stats();
        let sent = flood(&mut copying, &left, 4 << 20).await;
        // The pipe, and the kernel's share: two buffers of twice 256 KiB and two of twice 64 KiB,
        // accounted generously.
        let bound = (1024 + 2 * (2 * 256 + 2 * 64) * 2) * 1024;
        assert!(sent <= bound, "{sent} bytes went in");
        // Nothing turns while it waits.
        let turns = ringio::stats().completions;
        for _ in 0..1_000 {
            beside(&mut copying, ringio::yield_now()).await;
        }
        assert_eq!(stats().completions, turns, "the copy is busy with waiting");
        assert!(stats().splices > before.splices);
        left.shutdown(Shutdown::Write).unwrap();
        let receiver = start_peer(move || receive(&right, 4 << 20, sent));
        assert_eq!(copying.await.unwrap(), (sent + (4 << 20)) as u64);
        receiver.await;
    });
}

/// More directions than there are pipes wait for peers that do not read.
#[test]
fn without_a_pipe_left_a_copy_goes_on_by_chunks() {
    run_level(async || {
        const COPIES: usize = 48;
        const LEN: usize = 6 << 20;
        let others = pipes();
        let mut copies = Vec::new();
        for _ in 0..COPIES {
            let Line { left, mut from, mut to, right } = line();
            let task = ringio::spawn(async move {
                let moved = {
                    let ((mut read, _), (_, mut write)) = (from.split(), to.split());
                    copy(&mut read, &mut write).await.unwrap()
                };
                to.close().await.unwrap();
                moved
            });
            let sender = std::thread::spawn(move || {
                (&left).write_all(&pattern(0, LEN)).unwrap();
            });
            // It is in bulk, and then it waits.
            let right = peer(move || {
                receive(&right, 0, LEN / 2);
                right
            })
            .await;
            copies.push((task, sender, right));
        }
        settle().await;
        let away = pipes() - others;
        assert!((8..=32).contains(&away), "{away} pipes");
        let mut moved = 0;
        for (task, sender, right) in copies {
            peer(move || {
                receive(&right, LEN / 2, LEN / 2);
                assert_eq!((&right).read(&mut [0; 1]).unwrap(), 0, "more than was sent");
            })
            .await;
            sender.join().unwrap();
            moved += task.await.unwrap();
        }
        assert_eq!(moved, (COPIES * LEN) as u64);
    });
}

/// Pipes of this process.
fn pipes() -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let names = all.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    names.filter(|name| name.to_string_lossy().starts_with("pipe:")).count() / 2
}
