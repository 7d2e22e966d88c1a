//! Copies that end in the middle, with bytes in the pipe.

use std::io::Read;
use std::net::Shutdown;

use futures_util::future::join;
use ringio::stats;
use ringio::stream::copy;

use super::line::*;
use crate::support::*;

/// How a copy ends, and what becomes of its target then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Dropped,
    Forgotten,
    Closed,
    Released,
}

/// What was in the pipe arrives, behind it what is written next, and the rest stays in `from`.
#[test]
fn what_is_in_the_pipe_is_sent_whatever_becomes_of_the_copy() {
    run_level(async || {
        for end in [End::Dropped, End::Forgotten, End::Closed, End::Released] {
            const HEAD: usize = 4 << 20;
            let Line { left, mut from, mut to, right } = line();
            let sent = {
                let ((mut read, _), (_, mut write)) = (from.split(), to.split());
                let mut copying = Box::pin(copy(&mut read, &mut write));
                flow(&mut copying, (&left, &right), 0, HEAD).await;
                let sent = flood(&mut copying, &left, HEAD).await;
                if end == End::Forgotten {
                    std::mem::forget(copying);
                }
                sent
            };
            left.shutdown(Shutdown::Write).unwrap();
            let (first, rest) = match end {
                End::Dropped | End::Forgotten => {
                    let (written, mut first) =
                        join(to.write_all("behind it"), arrives(&right, 1_000)).await;
                    written.0.unwrap();
                    assert!(first.ends_with(b"behind it"), "the order of writes");
                    first.truncate(first.len() - 9);
                    let ((mut read, _), (_, mut write)) = (from.split(), to.split());
                    let mut copying = Box::pin(copy(&mut read, &mut write));
                    let mut rest = Vec::new();
                    let mut receiver = right.try_clone().unwrap();
                    let len = sent - first.len();
                    let receiving = peer(move || {
                        rest.resize(len, 0);
                        receiver.read_exact(&mut rest).unwrap();
                        rest
                    });
                    let copied = join(&mut copying, receiving).await;
                    assert_eq!(copied.0.unwrap(), len as u64);
                    (first, copied.1)
                }
                End::Closed => {
                    let closing = ringio::spawn(async move { to.close().await });
                    let first = arrives(&right, 1_000).await;
                    closing.await.unwrap().unwrap();
                    (first, rest_of(from).await)
                }
                End::Released => {
                    let releasing = ringio::spawn(async move { to.into_std().await });
                    let first = arrives(&right, 1_000).await;
                    let (_, unread) = releasing.await.unwrap().unwrap();
                    assert!(unread.is_empty());
                    let (from, mut rest) = from.into_std().await.unwrap();
                    let flags = socket_flags(&from);
                    assert_eq!(flags & libc::O_NONBLOCK, 0, "the socket was left non-blocking");
                    rest.extend(peer(move || read_all(&from)).await);
                    (first, rest)
                }
            };
            assert!(first.len() > 64 * 1024, "{end:?}: only {} bytes were under way", first.len());
            assert_pattern(HEAD, &first);
            assert_pattern(HEAD + first.len(), &rest);
            assert_eq!(first.len() + rest.len(), sent, "{end:?}");
        }
    });
}

fn socket_flags(socket: &std::net::TcpStream) -> i32 {
    nix::fcntl::fcntl(socket, nix::fcntl::FcntlArg::F_GETFL).unwrap()
}

fn read_all(mut socket: &std::net::TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    all
}

async fn rest_of(mut from: ringio::net::TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let chunk = from.recv().await.unwrap();
        if chunk.is_empty() {
            return all;
        }
        all.extend_from_slice(&chunk);
    }
}

/// Each copy is ended after some rounds through the pipe, or by chunks, dropped or forgotten; the
/// next goes on.
#[test]
fn copies_that_are_ended_at_any_point_lose_nothing() {
    run_level(async || {
        for seed in repetitions(4) {
            const TOTAL: usize = 24 << 20;
            let (Line { left, mut from, mut to, right }, mut random) = (line(), Random(seed));
            let sending = start_peer(move || {
                send(&left, 0, TOTAL, &mut Random(!seed));
                left
            });
            let mut slow = Random(seed + 77);
            let receiving = start_peer(move || {
                let (mut got, mut buffer) = (0, vec![0; 400_000]);
                while got < TOTAL {
                    let room = 1 + slow.below(buffer.len());
                    let count = (&right).read(&mut buffer[..room]).unwrap();
                    assert!(count > 0, "it ended after {got} bytes");
                    assert_pattern(got, &buffer[..count]);
                    got += count;
                }
                right
            });
            let mut receiving = std::pin::pin!(receiving);
            let (mut interruptions, mut in_bulk) = (0, 0);
            let right = loop {
                let before = stats().splices;
                let (rounds, polls) = (random.below(3) as u64, random.below(40));
                let ((mut read, _), (_, mut write)) = (from.split(), to.split());
                let mut copying = Box::pin(copy(&mut read, &mut write));
                let mut polled = 0;
                let done = loop {
                    assert!(poll_once(&mut copying).await.is_pending());
                    if let std::task::Poll::Ready(right) = poll_once(&mut receiving).await {
                        break Some(right);
                    }
                    polled += 1;
                    let through = stats().splices - before;
                    if rounds > 0 && through >= rounds || rounds == 0 && polled > polls {
                        in_bulk += u64::from(through > 0);
                        break None;
                    }
                    ringio::yield_now().await;
                };
                if random.below(3) == 0 {
                    std::mem::forget(copying);
                }
                interruptions += 1;
                if let Some(right) = done {
                    break right;
                }
            };
            drop(sending.await);
            drop(right);
            assert!(interruptions > 5 && in_bulk > 3, "{interruptions}, {in_bulk}, seed {seed}");
        }
    });
}

/// A read of the caller's own meets the poll that a copy has left behind.
#[test]
fn whoever_reads_after_a_copy_gets_the_next_byte() {
    run_level(async || {
        let Line { left, mut from, mut to, right } = line();
        let mut at = 0;
        for round in 0..6 {
            {
                let ((mut read, _), (_, mut write)) = (from.split(), to.split());
                let mut copying = Box::pin(copy(&mut read, &mut write));
                flow(&mut copying, (&left, &right), at, 4 << 20).await;
                beside(&mut copying, settle()).await;
            }
            at += 4 << 20;
            let sender = left.try_clone().unwrap();
            let first = start_peer(move || send(&sender, at, 1_000, &mut Random(round)));
            if round % 2 == 0 {
                let (result, bytes) = from.read_exact(Vec::with_capacity(1_000)).await;
                result.unwrap();
                assert_pattern(at, &bytes);
            } else {
                let mut got = 0;
                while got < 1_000 {
                    let chunk = from.recv().await.unwrap();
                    assert_pattern(at + got, &chunk);
                    got += chunk.len();
                }
            }
            first.await;
            at += 1_000;
        }
    });
}
