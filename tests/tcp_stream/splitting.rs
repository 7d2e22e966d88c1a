//! The halves of a connection.

use std::io::{Read, Write};

use crate::support::*;

#[test]
fn dropping_the_write_half_sends_fin_behind_its_writes_and_reading_goes_on() {
    const LARGE: usize = 8 << 20;
    run(async || {
        let (stream, mut other) = pair();
        let (mut read, mut write) = stream.into_split();
        assert!(poll_once(&mut Box::pin(write.write(pattern(0, LARGE)))).await.is_pending());
        drop(write);
        let whole = peer(move || {
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            assert_pattern(0, &all);
            other.write_all(b"got it").unwrap();
            all.len()
        });
        assert_eq!(whole.await, LARGE);
        assert_eq!(&read.recv().await.unwrap()[..], b"got it");
        assert!(read.recv().await.unwrap().is_empty());
    });
}

#[test]
fn dropping_the_read_half_leaves_writing_alone() {
    run(async || {
        let (stream, mut peer) = pair();
        let socket = identity(&stream);
        let (mut read, mut write) = stream.into_split();
        assert!(poll_once(&mut Box::pin(read.recv())).await.is_pending());
        drop(read);
        settle().await;
        assert!(is_open(&socket));
        write.write_all("still here").await.0.unwrap();
        drop(write);
        until(|| !is_open(&socket)).await;
        let mut all = String::new();
        peer.read_to_string(&mut all).unwrap();
        assert_eq!(all, "still here");
    });
}

#[test]
fn halves_of_one_connection_make_a_stream_again() {
    run(async || {
        let (stream, mut peer) = pair();
        let (mut read, mut write) = stream.into_split();
        peer.write_all(b"parked").unwrap();
        assert!(poll_once(&mut Box::pin(read.recv())).await.is_pending());
        settle().await;
        write.write_all("a").await.0.unwrap();
        let mut stream = read.reunite(write).unwrap();
        stream.write_all("b").await.0.unwrap();
        assert_eq!(&stream.recv().await.unwrap()[..], b"parked");
        let mut buffer = [0; 2];
        peer.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"ab");
        // No FIN was sent for the write half.
        peer.set_nonblocking(true).unwrap();
        assert_eq!(peer.read(&mut buffer).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    });
}

#[test]
fn halves_of_two_connections_are_refused_and_given_back() {
    run(async || {
        let ((one, mut peer_one), (two, mut peer_two)) = (pair(), pair());
        let (read_one, write_one) = one.into_split();
        let (mut read_two, write_two) = two.into_split();
        let (mut read_one, mut write_two) = read_one.reunite(write_two).unwrap_err();
        write_two.write_all("two").await.0.unwrap();
        let mut buffer = [0; 3];
        peer_two.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"two");
        peer_one.write_all(b"one").unwrap();
        assert_eq!(&read_one.recv().await.unwrap()[..], b"one");
        peer_two.write_all(b"two").unwrap();
        assert_eq!(&read_two.recv().await.unwrap()[..], b"two");
        read_one.reunite(write_one).unwrap();
        read_two.reunite(write_two).unwrap();
    });
}

#[test]
fn borrowed_halves_share_what_is_parked_with_the_stream() {
    run(async || {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"first").unwrap();
        {
            let (mut read, mut write) = stream.split();
            let (received, sent) = futures_util::join!(read.recv(), write.write_all("sent"));
            assert_eq!(&received.unwrap()[..], b"first");
            sent.0.unwrap();
            drop(poll_once(&mut Box::pin(read.recv())).await);
        }
        peer.write_all(b"second").unwrap();
        settle().await;
        assert_eq!(&stream.recv().await.unwrap()[..], b"second");
        // No FIN was sent when the borrowed half went.
        stream.write_all("!").await.0.unwrap();
        let mut buffer = [0; 5];
        peer.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"sent!");
    });
}
