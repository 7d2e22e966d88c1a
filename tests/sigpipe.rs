//! Writing to a connection that is gone must not raise SIGPIPE. It would end this process: the
//! standard library's guard against it is taken away here.
//!
//! The kernel's send operation never raises it, with `MSG_NOSIGNAL` or without; its write operation
//! does.
//!
//! # Safety
//! The default action of a signal involves no code of this process.

#![allow(unsafe_code, reason = "sets the action of a signal")]

mod support;

use std::io::ErrorKind;

use nix::sys::signal::{SigHandler, Signal, signal};

use support::*;

#[test]
fn a_write_to_a_connection_that_is_gone_is_an_error_and_no_signal() {
    // SAFETY: the default action is no handler of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.unwrap();
    run(async || {
        for vectored in [false, true] {
            let (mut stream, peer) = pair();
            drop(peer);
            let mut kinds = Vec::new();
            // The first writes may go out before the reset comes back.
            while kinds.len() < 3 {
                let result = if vectored {
                    stream.writev(vec!["into", "the", "void"]).await.0.map(drop)
                } else {
                    stream.write_all("into the void").await.0
                };
                kinds.extend(result.err().map(|error| error.kind()));
            }
            let gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
            assert!(kinds.iter().all(|kind| gone.contains(kind)), "{kinds:?}");
        }
    });
}
