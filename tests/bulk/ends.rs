//! Ends, half ends and errors in the middle of many bytes.

use std::io::{Read, Write};
use std::net::Shutdown;

use nix::sys::socket::{MsgFlags, send as send_with};
use ringio::stats;
use ringio::stream::{copy, copy_bidirectional};

use super::line::*;
use crate::support::*;

#[test]
fn the_end_of_one_direction_is_passed_on_and_the_other_goes_on() {
    run_level(async || {
        const LARGE: usize = 8 << 20;
        let (Line { left, mut from, mut to, right }, before) = (line(), stats().splices);
        let client = start_peer(move || {
            (&left).write_all(&pattern(0, LARGE)).unwrap();
            left.shutdown(Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            (&left).read_to_end(&mut answer).unwrap();
            answer
        });
        let server = start_peer(move || {
            let mut all = Vec::new();
            (&right).read_to_end(&mut all).unwrap();
            (&right).write_all(&pattern(5, LARGE / 2)).unwrap();
            right.shutdown(Shutdown::Write).unwrap();
            all
        });
        let counts = copy_bidirectional(&mut from, &mut to).await.unwrap();
        assert_eq!(counts, (LARGE as u64, LARGE as u64 / 2));
        let (all, answer) = (server.await, client.await);
        assert_eq!((all.len(), answer.len()), (LARGE, LARGE / 2));
        assert_pattern(0, &all);
        assert_pattern(5, &answer);
        assert!(stats().splices > before + 4);
    });
}

/// A peer goes away while bytes flow, or while they wait in the pipe for it.
#[test]
fn a_reset_ends_the_copy_and_leaves_the_other_connection() {
    run_level(async || {
        for at_right in [false, true] {
            for stuck in [false, true] {
                let Line { left, mut from, mut to, right } = line();
                let error = {
                    let mut copying = Box::pin(copy_bidirectional(&mut from, &mut to));
                    flow(&mut copying, (&left, &right), 0, 4 << 20).await;
                    let sent = if stuck { flood(&mut copying, &left, 4 << 20).await } else { 0 };
                    let gone = if at_right { &right } else { &left }.try_clone().unwrap();
                    let (left, right) = if at_right {
                        drop(right);
                        (Some(left), None)
                    } else {
                        drop(left);
                        (None, Some(right))
                    };
                    reset(gone);
                    // The copy hears of `left` when it reads on: it must be able to write.
                    let receiver = right.as_ref().map(|right| right.try_clone().unwrap());
                    let reading = receiver.map(|mut socket| {
                        start_peer(move || {
                            let mut all = vec![0; sent];
                            // How much of it comes depends on what was read before the reset.
                            let mut got = 0;
                            while got < sent {
                                match socket.read(&mut all[got..]) {
                                    Ok(0) | Err(_) => break,
                                    Ok(count) => got += count,
                                }
                            }
                            assert_pattern(4 << 20, &all[..got]);
                        })
                    });
                    if let (Some(left), false) = (&left, stuck) {
                        // Writes fail only if there are some.
                        (&*left).write_all(&pattern(4 << 20, 400_000)).unwrap();
                    }
                    let error = copying.await.unwrap_err();
                    if let Some(right) = &right {
                        right.shutdown(Shutdown::Read).unwrap();
                    }
                    if let Some(reading) = reading {
                        reading.await;
                    }
                    error
                };
                assert!(is_gone(&error), "{error}, right {at_right}, stuck {stuck}");
                let gone = if at_right { &mut to } else { &mut from };
                assert!(gone.write_all("gone").await.0.is_err());
            }
        }
    });
}

/// In front of urgent data splice(2) says that there is nothing, although there is.
#[test]
fn urgent_data_does_not_stop_it() {
    run_level(async || {
        use std::os::fd::AsRawFd;
        let Line { left, mut from, mut to, right } = line();
        let ((mut read, _), (_, mut write)) = (from.split(), to.split());
        let mut copying = Box::pin(copy(&mut read, &mut write));
        let mut at = 0;
        for _ in 0..3 {
            flow(&mut copying, (&left, &right), at, 4 << 20).await;
            at += 4 << 20;
            let sent = send_with(left.as_raw_fd(), b"!", MsgFlags::MSG_OOB).unwrap();
            assert_eq!(sent, 1);
            beside(&mut copying, settle()).await;
        }
        left.shutdown(Shutdown::Write).unwrap();
        // Urgent bytes are no part of the stream.
        assert_eq!(copying.await.unwrap(), at as u64);
    });
}
