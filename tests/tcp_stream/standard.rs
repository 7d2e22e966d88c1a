//! From and to the standard library, options, addresses.

use std::io::{Read, Write};
use std::task::Poll;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use ringio::net::{TcpListener, TcpStream};

use crate::support::*;

#[track_caller]
fn assert_blocking(socket: &std::net::TcpStream) {
    let flags = OFlag::from_bits_retain(fcntl(socket, FcntlArg::F_GETFL).unwrap());
    assert!(!flags.contains(OFlag::O_NONBLOCK));
}

/// Sends in pieces and reads some of it in each way; what into_std gives, and what its socket
/// gives, must be the exact rest.
#[test]
fn into_std_gives_the_exact_leftover_and_a_blocking_socket() {
    run(async || {
        for seed in 0..40 {
            let mut random = Random(seed);
            let (mut stream, mut other) = pair();
            let (mut sent, mut at) = (0, 0);
            for _ in 0..random.below(12) {
                let len = 1 + random.below(9000);
                other.write_all(&pattern(sent, len)).unwrap();
                sent += len;
                let buffer = vec![0; 1 + random.below(30_000)];
                let bytes = match random.below(5) {
                    0 => stream.recv().await.map(|chunk| chunk.to_vec()).unwrap(),
                    1 => stream.read(buffer).await.1,
                    2 => {
                        if let Poll::Ready(chunk) = poll_once(&mut Box::pin(stream.recv())).await {
                            at += chunk.unwrap().len();
                        }
                        continue;
                    }
                    3 => {
                        // The last future before the end may be one that is forgotten.
                        let mut read = Box::pin(stream.read(buffer));
                        match poll_once(&mut read).await {
                            Poll::Ready((_, bytes)) => bytes,
                            Poll::Pending => {
                                std::mem::forget(read);
                                continue;
                            }
                        }
                    }
                    _ => continue,
                };
                if sent == at {
                    assert!(bytes.is_empty());
                }
                assert_pattern(at, &bytes);
                at += bytes.len();
                if at == sent {
                    other.write_all(&pattern(sent, 10)).unwrap();
                    sent += 10;
                }
            }
            let (mut socket, leftover) = stream.into_std().await.unwrap();
            assert_blocking(&socket);
            assert_pattern(at, &leftover);
            at += leftover.len();
            other.write_all(&pattern(sent, 77)).unwrap();
            drop(other);
            let mut rest = Vec::new();
            socket.read_to_end(&mut rest).unwrap();
            assert_pattern(at, &rest);
            assert_eq!(at + rest.len(), sent + 77, "seed {seed}");
        }
    });
}

#[test]
fn into_std_sends_what_was_begun_first() {
    const LARGE: usize = 8 << 20;
    run(async || {
        let (mut stream, mut other) = pair();
        assert!(poll_once(&mut Box::pin(stream.write(pattern(0, LARGE)))).await.is_pending());
        let reader = start_peer(move || {
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            all
        });
        let (mut socket, leftover) = stream.into_std().await.unwrap();
        assert!(leftover.is_empty());
        socket.write_all(&pattern(LARGE, 100)).unwrap();
        drop(socket);
        let all = reader.await;
        assert_eq!(all.len(), LARGE + 100);
        assert_pattern(0, &all);
    });
}

#[test]
fn an_into_std_that_is_dropped_closes_the_connection() {
    run(async || {
        let (mut stream, mut peer) = pair();
        let socket = identity(&stream);
        assert!(poll_once(&mut Box::pin(stream.recv())).await.is_pending());
        assert!(poll_once(&mut Box::pin(stream.into_std())).await.is_pending());
        until(|| !is_open(&socket)).await;
        assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_connection_goes_to_the_standard_library_and_back() {
    run(async || {
        let (stream, mut peer) = pair();
        let (socket, _) = stream.into_std().await.unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut stream = TcpStream::from_std(socket).unwrap();
        // It must wait, and not say WouldBlock.
        let mut recv = Box::pin(stream.recv());
        assert!(poll_once(&mut recv).await.is_pending());
        settle().await;
        peer.write_all(b"there").unwrap();
        assert_eq!(&recv.await.unwrap()[..], b"there");
    });
}

#[test]
fn from_std_outside_a_loop_is_refused() {
    let (socket, _peer) = std_pair();
    let error = TcpStream::from_std(socket).unwrap_err();
    assert!(error.to_string().contains("event loop"), "{error}");
}

#[test]
fn options_are_those_of_the_socket() {
    run(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let (accepted, from) = listener.accept().await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert_eq!(accepted.local_addr().unwrap(), address);
        assert_eq!(accepted.peer_addr().unwrap(), stream.local_addr().unwrap());
        assert_eq!(from, stream.local_addr().unwrap());
        let socket = socket2::SockRef::from(&stream);
        for on in [true, false] {
            stream.set_nodelay(on).unwrap();
            assert_eq!((stream.nodelay().unwrap(), socket.tcp_nodelay().unwrap()), (on, on));
        }
        stream.set_ttl(33).unwrap();
        assert_eq!((stream.ttl().unwrap(), socket.ttl_v4().unwrap()), (33, 33));
        stream.set_linger(Some(Duration::from_secs(7))).unwrap();
        assert_eq!(socket.linger().unwrap(), Some(Duration::from_secs(7)));
        stream.set_keepalive(Some(Duration::from_secs(55))).unwrap();
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(55));
        stream.set_keepalive(None).unwrap();
        assert!(!socket.keepalive().unwrap());
        let (socket, _) = stream.into_std().await.unwrap();
        assert_blocking(&socket);
        let (socket, _) = accepted.into_std().await.unwrap();
        assert_blocking(&socket);
    });
}

#[test]
fn the_address_of_a_peer_that_has_reset_is_unknown() {
    run(async || {
        let (mut stream, peer) = pair();
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        stream.recv().await.unwrap_err();
        assert_eq!(stream.peer_addr().unwrap_err().kind(), std::io::ErrorKind::NotConnected);
        stream.local_addr().unwrap();
    });
}
