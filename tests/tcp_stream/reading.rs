//! The receiving side.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;

use ringio::buf::Slice;

use crate::support::*;

#[test]
fn a_read_replaces_the_contents_and_keeps_to_the_capacity() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"hello, world").unwrap();
        let (count, buffer) = stream.read(Vec::with_capacity(5)).await;
        assert_eq!((count.unwrap(), &buffer[..]), (5, &b"hello"[..]));
        let (count, buffer) = stream.read(Vec::with_capacity(100)).await;
        assert_eq!((count.unwrap(), &buffer[..]), (7, &b", world"[..]));
        peer.write_all(b"again").unwrap();
        let (count, buffer) = stream.read(buffer).await;
        assert_eq!((count.unwrap(), &buffer[..]), (5, &b"again"[..]));
    });
}

#[test]
fn a_read_into_a_slice_touches_nothing_else() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"0123456789").unwrap();
        let mut buffer = Vec::with_capacity(64);
        buffer.extend_from_slice(b"head");
        let (count, slice) = stream.read(Slice::with_room(buffer, 4..8)).await;
        assert_eq!(count.unwrap(), 4);
        assert_eq!(slice.into_inner(), b"head0123");
        assert_eq!(&stream.recv().await.unwrap()[..], b"456789");
    });
}

#[test]
fn a_read_without_room_gives_zero_at_once() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let (count, _) = stream.read(Vec::new()).await;
        assert_eq!(count.unwrap(), 0);
        let (result, _) = stream.read_exact(Vec::new()).await;
        result.unwrap();
        peer.write_all(b"kept").unwrap();
        let (count, _) = stream.read(Vec::new()).await;
        assert_eq!(count.unwrap(), 0);
        assert_eq!(&stream.recv().await.unwrap()[..], b"kept");
    });
}

#[test]
fn the_end_of_the_stream_is_told_for_ever() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"last").unwrap();
        drop(peer);
        assert_eq!(&stream.recv().await.unwrap()[..], b"last");
        for _ in 0..300 {
            assert!(stream.recv().await.unwrap().is_empty());
            assert_eq!(stream.read(vec![1; 10]).await.0.unwrap(), 0);
            assert_eq!(stream.read(vec![1; 100_000]).await.0.unwrap(), 0);
        }
        let (result, buffer) = stream.read_exact(Vec::with_capacity(3)).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert!(buffer.is_empty());
    });
}

#[test]
fn read_exact_waits_for_the_last_byte() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let mut read = Box::pin(stream.read_exact(vec![0; 1000]));
        for at in (0..1000).step_by(100) {
            assert!(poll_once(&mut read).await.is_pending());
            peer.write_all(&pattern(at, 100)).unwrap();
            settle().await;
        }
        let (result, buffer) = read.await;
        result.unwrap();
        assert_pattern(0, &buffer);
    });
}

#[test]
fn read_exact_gives_what_came_before_an_early_end() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"half").unwrap();
        drop(peer);
        let (result, buffer) = stream.read_exact(vec![0; 8]).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("4 of 8"), "{error}");
        assert_eq!(buffer, b"half");
    });
}

#[test]
fn a_reset_comes_behind_the_parked_bytes_and_stays() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"before").unwrap();
        // Armed, dropped: the bytes are parked.
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        until(|| waiting(&stream, 10) == 0).await;
        settle().await;
        socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(peer);
        settle().await;
        assert_eq!(&stream.recv().await.unwrap()[..], b"before");
        for _ in 0..3 {
            let reset = ErrorKind::ConnectionReset;
            assert_eq!(stream.recv().await.unwrap_err().kind(), reset);
            assert_eq!(stream.read(vec![0; 4]).await.0.unwrap_err().kind(), reset);
            assert_eq!(stream.read_exact(vec![0; 4]).await.0.unwrap_err().kind(), reset);
        }
    });
}

#[test]
fn a_reset_ends_each_kind_of_waiting_read() {
    run(async || {
        for kind in 0..3 {
            let (mut stream, peer) = pair();
            let task = ringio::spawn(async move {
                match kind {
                    0 => stream.recv().await.map(drop),
                    1 => stream.read(vec![0; 100_000]).await.0.map(drop),
                    _ => stream.read_exact(vec![0; 10]).await.0,
                }
            });
            settle().await;
            socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
            drop(peer);
            let error = task.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "kind {kind}");
        }
    });
}

/// `recv` receives ahead, a large `read` wants the kernel to fill its own memory: the one has to
/// end before the other begins.
#[test]
fn mixing_recv_and_read_loses_nothing() {
    const TOTAL: usize = 4 << 20;
    run(async || {
        let (mut stream, mut other) = pair();
        let sender = start_peer(move || other.write_all(&pattern(0, TOTAL)).unwrap());
        let (mut at, mut turn) = (0, 0);
        while at < TOTAL {
            turn += 1;
            let bytes = match turn % 5 {
                0 => stream.read(Vec::with_capacity(64 * 1024)).await.1,
                1 => stream.read(Vec::with_capacity(100)).await.1,
                2 => stream.read_exact(vec![0; 40_000.min(TOTAL - at)]).await.1,
                _ => stream.recv().await.unwrap().to_vec(),
            };
            assert!(!bytes.is_empty());
            assert_pattern(at, &bytes);
            at += bytes.len();
        }
        sender.await;
        assert!(stream.recv().await.unwrap().is_empty());
    });
}

#[test]
fn a_large_read_that_waits_behind_a_multishot_gets_bytes_that_come_later() {
    run(async || {
        let (mut stream, mut peer) = pair();
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        settle().await;
        let mut read = Box::pin(stream.read(vec![0; 100_000]));
        assert!(poll_once(&mut read).await.is_pending());
        settle().await;
        assert!(poll_once(&mut read).await.is_pending());
        peer.write_all(b"late").unwrap();
        let (count, buffer) = read.await;
        assert_eq!((count.unwrap(), &buffer[..]), (4, &b"late"[..]));
    });
}

#[test]
fn after_shutdown_of_reading_what_was_parked_is_given_then_the_end_for_ever() {
    run(async || {
        let (mut stream, mut peer) = pair();
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        peer.write_all(b"parked").unwrap();
        until(|| waiting(&stream, 10) == 0).await;
        settle().await;
        stream.shutdown(Shutdown::Read).await.unwrap();
        assert_eq!(&stream.recv().await.unwrap()[..], b"parked");
        for _ in 0..3 {
            assert!(stream.recv().await.unwrap().is_empty());
            peer.write_all(b"too late").unwrap();
            settle().await;
        }
        // The other direction goes on.
        stream.write_all("still").await.0.unwrap();
    });
}

/// Bytes that were on their way when reading was shut down must not turn up behind the end.
#[test]
fn nothing_comes_behind_the_end_that_shutdown_of_reading_makes() {
    run(async || {
        for big in [false, true] {
            let (mut stream, mut peer) = pair();
            if big {
                drop(poll_once(&mut Box::pin(stream.read(vec![0; 100_000]))).await);
            } else {
                drop(poll_once(&mut Box::pin(stream.recv())).await);
            }
            settle().await;
            // No turn of the loop between these two.
            peer.write_all(b"on its way").unwrap();
            stream.shutdown(Shutdown::Read).await.unwrap();
            assert!(stream.recv().await.unwrap().is_empty());
            settle().await;
            assert!(stream.recv().await.unwrap().is_empty(), "read into memory: {big}");
        }
    });
}

/// Sends until nothing more goes for many turns of the loop; gives how much went.
async fn flood(peer: &mut std::net::TcpStream) -> usize {
    peer.set_nonblocking(true).unwrap();
    let (mut sent, mut refused) = (0, 0);
    while refused < 50 {
        match peer.write(&pattern(sent, 64 * 1024)) {
            Ok(count) => (sent, refused) = (sent + count, 0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => refused += 1,
            Err(error) => panic!("{error}"),
        }
        settle().await;
    }
    sent
}

/// Most that one socket may have taken in for a reader that does not come.
const CREDIT_AND_A_BUFFER: usize = 256 * 1024 + 64 * 1024;

/// The first receive of a connection is one receive, whatever the credit: this is behind it.
async fn greet(stream: &mut ringio::net::TcpStream, peer: &mut std::net::TcpStream) {
    peer.write_all(b"!").unwrap();
    assert_eq!(&stream.recv().await.unwrap()[..], b"!");
}

#[test]
fn a_flood_is_taken_in_up_to_the_credit() {
    run(async || {
        let (mut stream, mut peer) = pair();
        greet(&mut stream, &mut peer).await;
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        let sent = flood(&mut peer).await;
        let (_rest, leftover) = stream.into_std().await.unwrap();
        assert_pattern(0, &leftover);
        assert!(sent > leftover.len() + 64 * 1024, "the flood of {sent} bytes was too short");
        assert!(!leftover.is_empty() && leftover.len() <= CREDIT_AND_A_BUFFER, "{leftover:?}");
    });
}

#[test]
fn each_read_that_is_taken_grants_the_credit_once() {
    run(async || {
        let (mut stream, mut peer) = pair();
        greet(&mut stream, &mut peer).await;
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        let sent = flood(&mut peer).await;
        let mut got = 0;
        for _ in 0..3 {
            let chunk = stream.recv().await.unwrap();
            assert_pattern(got, &chunk);
            got += chunk.len();
            settle().await;
        }
        let (_rest, leftover) = stream.into_std().await.unwrap();
        assert_pattern(got, &leftover);
        assert!(sent > got + leftover.len());
        assert!(leftover.len() <= CREDIT_AND_A_BUFFER, "{} bytes", leftover.len());
    });
}
