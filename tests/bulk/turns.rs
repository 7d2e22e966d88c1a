//! Many streams at once do not make a turn long.

use std::io::Write;
use std::net::Shutdown;

use futures_util::future::join_all;
use ringio::stats;
use ringio::stream::copy;

use super::line::*;
use crate::support::*;

#[test]
fn a_turn_moves_so_many_bytes_and_no_more() {
    run_level(async || {
        const STREAMS: usize = 48;
        const HEAD: usize = 2 << 20;
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let ((mut from, left), (mut to, right)) = (pair(), pair());
            let task = ringio::spawn(async move {
                let moved = {
                    let ((mut read, _), (_, mut write)) = (from.split(), to.split());
                    copy(&mut read, &mut write).await.unwrap()
                };
                to.close().await.unwrap();
                moved
            });
            // It is in bulk, and waits for more.
            let (sender, receiver) = (left.try_clone().unwrap(), right.try_clone().unwrap());
            let sending = start_peer(move || (&sender).write_all(&pattern(0, HEAD)).unwrap());
            peer(move || receive(&receiver, 0, HEAD)).await;
            sending.await;
            streams.push((task, left, right));
        }
        settle().await;
        // The loop stands still while all of them get what their sockets hold.
        let (mut total, mut receiving) = (0, Vec::new());
        let bytes = pattern(HEAD, 1 << 20);
        for (_, left, right) in &mut streams {
            left.set_nonblocking(true).unwrap();
            let mut sent = 0;
            while let Ok(count) = (&*left).write(&bytes[sent..]) {
                sent += count;
                if count == 0 {
                    break;
                }
            }
            left.shutdown(Shutdown::Write).unwrap();
            let receiver = right.try_clone().unwrap();
            receiving.push(start_peer(move || receive(&receiver, HEAD, sent)));
            total += sent;
        }
        assert!(total >= 24 << 20, "only {total} bytes to move: the test shows nothing");
        let (mut turns, mut rounds) = (0, stats().splices);
        let mut moving: Vec<_> = streams.iter_mut().map(|(task, ..)| task).collect();
        while !moving.is_empty() {
            ringio::yield_now().await;
            let now = stats().splices;
            turns += usize::from(now > rounds);
            rounds = now;
            let mut still = Vec::new();
            for task in moving {
                if poll_once(task).await.is_pending() {
                    still.push(task);
                }
            }
            moving = still;
        }
        join_all(receiving).await;
        // 4 MiB, and up to one pipe full more.
        assert!(turns >= total / (5 << 20), "{total} bytes in {turns} turns");
    });
}
