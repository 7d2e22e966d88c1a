//! Where a copy must do without a pipe.
//!
//! # Safety
//! The default action of a signal involves no code of this process.

#![allow(unsafe_code, reason = "sets the action of a signal")]

use std::fs::File;
use std::io::Write;
use std::net::Shutdown;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use ringio::stats;
use ringio::stream::copy;

use super::line::*;
use crate::child::in_child;
use crate::support::*;

/// Unlike send(2), splice(2) cannot be told not to raise it.
#[test]
fn where_sigpipe_would_end_the_process_there_is_no_pipe() {
    const TEST: &str = "bulk::refused::where_sigpipe_would_end_the_process_there_is_no_pipe";
    let _alone = alone();
    let printed = in_child(TEST, || {
        // SAFETY: the default action is no handler of ours.
        unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.unwrap();
        ringio::run(async {
            let Line { left, mut from, mut to, right } = line();
            let sending =
                start_peer(move || while (&left).write_all(&pattern(0, 100_000)).is_ok() {});
            let receiver = start_peer(move || {
                receive(&right, 0, 100_000);
                (0..50).for_each(|_| receive(&right, 0, 100_000));
                drop(right);
            });
            {
                let ((mut read, _), (_, mut write)) = (from.split(), to.split());
                let error = copy(&mut read, &mut write).await.unwrap_err();
                assert!(is_gone(&error), "{error}");
            }
            receiver.await;
            drop((from, to));
            sending.await;
            assert_eq!(stats().splices, 0);
            println!("ALIVE");
        });
    });
    assert!(printed.is_none_or(|text| text.contains("ALIVE")));
}

#[test]
fn without_descriptors_there_is_no_pipe() {
    const TEST: &str = "bulk::refused::without_descriptors_there_is_no_pipe";
    let _alone = alone();
    let printed = in_child(TEST, || {
        setrlimit(Resource::RLIMIT_NOFILE, 64, 64).unwrap();
        ringio::run(async {
            let Line { left, mut from, mut to, right } = line();
            let (sender, receiver) = (left.try_clone().unwrap(), right.try_clone().unwrap());
            let hogged: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
            assert!(!hogged.is_empty());
            let ((mut read, _), (_, mut write)) = (from.split(), to.split());
            let mut copying = Box::pin(copy(&mut read, &mut write));
            let sent = start_peer(move || send(&sender, 0, 8 << 20, &mut Random(1)));
            let received = start_peer(move || receive(&receiver, 0, 8 << 20));
            beside(&mut copying, async {
                sent.await;
                received.await;
            })
            .await;
            assert_eq!(stats().splices, 0);
            drop(hogged);
            flow(&mut copying, (&left, &right), 8 << 20, 8 << 20).await;
            left.shutdown(Shutdown::Write).unwrap();
            assert_eq!(copying.await.unwrap(), 16 << 20);
            println!("DONE");
        });
    });
    assert!(printed.is_none_or(|text| text.contains("DONE")));
}
