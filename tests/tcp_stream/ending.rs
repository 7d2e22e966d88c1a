//! Close, abort and drop.

use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use crate::support::*;

/// More than all kernel buffers of a connection take.
const LARGE: usize = 8 << 20;

#[test]
fn close_sends_what_was_begun_and_closes_the_descriptor() {
    run(async || {
        let (mut stream, mut other) = pair();
        let socket = identity(&stream);
        assert!(poll_once(&mut Box::pin(stream.write(pattern(0, LARGE)))).await.is_pending());
        let reader = start_peer(move || {
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            all
        });
        stream.close().await.unwrap();
        assert!(!is_open(&socket));
        let all = reader.await;
        assert_eq!(all.len(), LARGE);
        assert_pattern(0, &all);
    });
}

#[test]
fn close_ends_a_receive_in_flight_first() {
    run(async || {
        for kind in 0..3 {
            let (mut stream, mut peer) = pair();
            let socket = identity(&stream);
            match kind {
                0 => assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending()),
                1 => assert!(poll_once(&mut Box::pin(stream.read(vec![0; 9]))).await.is_pending()),
                _ => {
                    let mut read = Box::pin(stream.read(vec![0; 9]));
                    assert!(poll_once(&mut read).await.is_pending());
                    std::mem::forget(read);
                }
            }
            settle().await;
            stream.close().await.unwrap();
            assert!(!is_open(&socket), "kind {kind}");
            assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0, "kind {kind}");
        }
    });
}

/// A write that nobody awaits and that fails must not look as if it had been sent.
#[test]
fn close_and_into_std_tell_of_writes_that_were_lost() {
    run(async || {
        for standard in [false, true] {
            let (mut stream, peer) = pair();
            assert!(poll_once(&mut Box::pin(stream.write(pattern(0, LARGE)))).await.is_pending());
            socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
            drop(peer);
            let socket = identity(&stream);
            let error = if standard {
                stream.into_std().await.unwrap_err()
            } else {
                stream.close().await.unwrap_err()
            };
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
            until(|| !is_open(&socket)).await;
        }
    });
}

#[test]
fn a_close_that_is_dropped_closes_all_the_same() {
    run(async || {
        let (mut stream, _peer) = pair();
        let socket = identity(&stream);
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        assert!(poll_once(&mut Box::pin(stream.close())).await.is_pending());
        until(|| !is_open(&socket)).await;

        let (mut stream, _peer) = pair();
        let socket = identity(&stream);
        assert!(poll_once(&mut Box::pin(stream.write(pattern(0, LARGE)))).await.is_pending());
        assert!(poll_once(&mut Box::pin(stream.close())).await.is_pending());
        until(|| !is_open(&socket)).await;
    });
}

#[test]
fn drop_closes_the_descriptor_whatever_is_in_flight() {
    run(async || {
        for kind in 0..6 {
            let (mut stream, mut other) = pair();
            let socket = identity(&stream);
            let buffer: Rc<[u8]> = vec![0; LARGE].into();
            match kind {
                0 => {}
                1 => drop(poll_once(&mut Box::pin(stream.recv())).await),
                2 => drop(poll_once(&mut Box::pin(stream.read(vec![0; 9]))).await),
                3 => drop(poll_once(&mut Box::pin(stream.write(buffer.clone()))).await),
                4 => {
                    let mut read = Box::pin(stream.read(vec![0; 100_000]));
                    assert!(poll_once(&mut read).await.is_pending());
                    std::mem::forget(read);
                }
                _ => {
                    drop(poll_once(&mut Box::pin(stream.recv())).await);
                    drop(poll_once(&mut Box::pin(stream.read(vec![0; 100_000]))).await);
                    drop(poll_once(&mut Box::pin(stream.write(buffer.clone()))).await);
                }
            }
            if kind % 2 == 0 {
                settle().await;
            }
            drop(stream);
            until(|| !is_open(&socket)).await;
            until(|| Rc::strong_count(&buffer) == 1).await;
            peer(move || while other.read(&mut [0; 65536]).is_ok_and(|count| count > 0) {}).await;
        }
    });
}

#[test]
fn a_forgotten_future_does_not_keep_the_descriptor_open() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let socket = identity(&stream);
        let mut recv = Box::pin(stream.recv());
        assert!(poll_once(&mut recv).await.is_pending());
        std::mem::forget(recv);
        let mut write = Box::pin(stream.write(pattern(0, LARGE)));
        assert!(poll_once(&mut write).await.is_pending());
        std::mem::forget(write);
        settle().await;
        drop(stream);
        until(|| !is_open(&socket)).await;
        peer.write_all(b"x").ok();
    });
}

#[test]
fn after_abort_every_call_says_so_and_the_peer_is_reset() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let buffer: Rc<[u8]> = vec![0; LARGE].into();
        assert!(poll_once(&mut Box::pin(stream.write(buffer.clone()))).await.is_pending());
        settle().await;
        stream.abort();
        let aborted = ErrorKind::ConnectionAborted;
        assert_eq!(stream.recv().await.unwrap_err().kind(), aborted);
        assert_eq!(stream.read(vec![0; 4]).await.0.unwrap_err().kind(), aborted);
        assert_eq!(stream.read_exact(vec![0; 4]).await.0.unwrap_err().kind(), aborted);
        assert_eq!(stream.write_all("x").await.0.unwrap_err().kind(), aborted);
        assert_eq!(stream.shutdown(std::net::Shutdown::Write).await.unwrap_err().kind(), aborted);
        until(|| Rc::strong_count(&buffer) == 1).await;
        drop(stream);
        let error = peer_error(move |buffer| peer.read(buffer)).await;
        assert_eq!(error, ErrorKind::ConnectionReset);
    });
}

async fn peer_error(
    mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize> + Send + 'static,
) -> ErrorKind {
    let mut buffer = vec![0; 65536];
    peer(move || {
        loop {
            match read(&mut buffer) {
                Ok(count) => assert!(count > 0, "a reset was expected, not an orderly end"),
                Err(error) => return error.kind(),
            }
        }
    })
    .await
}

/// Bytes that were on their way when the connection was given up must not turn up later.
#[test]
fn nothing_comes_behind_an_abort() {
    run(async || {
        let (mut stream, mut peer) = pair();
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        settle().await;
        peer.write_all(b"on its way").unwrap();
        stream.abort();
        for _ in 0..3 {
            assert_eq!(stream.recv().await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
            settle().await;
        }
    });
}

#[test]
fn abort_ends_the_waiting_calls_of_the_other_half() {
    run(async || {
        let (stream, _peer) = pair();
        let (mut read, mut write) = stream.into_split();
        let reader = ringio::spawn(async move { read.recv().await.map(drop) });
        settle().await;
        write.abort();
        let error = reader.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    });
}

#[test]
fn a_panic_with_operations_in_flight_closes_the_connection() {
    run(async || {
        let (mut stream, mut other) = pair();
        let socket = identity(&stream);
        let task = ringio::spawn(async move {
            drop(poll_once(&mut Box::pin(stream.read(vec![0; 100]))).await);
            drop(poll_once(&mut Box::pin(stream.write(pattern(0, LARGE)))).await);
            settle().await;
            let _read = poll_once(&mut Box::pin(stream.recv())).await;
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(task.await.unwrap_err().is_panic());
        until(|| !is_open(&socket)).await;
        peer(move || while other.read(&mut [0; 65536]).is_ok_and(|count| count > 0) {}).await;
    });
}
