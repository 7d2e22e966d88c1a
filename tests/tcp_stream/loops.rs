//! A stream and the loop that it belongs to: on another loop, and after the end of its own.

use std::io::{ErrorKind, Read};
use std::net::Shutdown;

use ringio::Runner;

use crate::support::*;

fn runner() -> Runner {
    Runner::builder().build().unwrap()
}

#[test]
fn a_stream_whose_loop_has_ended_says_so_and_its_drop_closes_it() {
    within(|| {
        let mut runner = runner();
        let (mut stream, mut peer) = runner
            .run(async {
                let (mut stream, peer) = pair();
                // Both directions are busy when the loop ends.
                drop(poll_once(&mut Box::pin(stream.recv())).await);
                drop(poll_once(&mut Box::pin(stream.write(pattern(0, 8 << 20)))).await);
                settle().await;
                (stream, peer)
            })
            .unwrap();
        let socket = identity(&stream);
        runner.close();
        assert!(is_open(&socket));
        let errors = ringio::run(async {
            [
                stream.recv().await.unwrap_err(),
                stream.read(vec![0; 4]).await.0.unwrap_err(),
                stream.read_exact(vec![0; 4]).await.0.unwrap_err(),
                stream.write_all("x").await.0.unwrap_err(),
                stream.writev(vec!["x", "y"]).await.0.unwrap_err(),
                stream.shutdown(Shutdown::Write).await.unwrap_err(),
                stream.shutdown(Shutdown::Read).await.unwrap_err(),
            ]
        });
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
            assert!(error.to_string().contains("event loop"), "{error}");
            assert!(error.to_string().contains("has ended"), "{error}");
        }
        drop(stream);
        assert!(!is_open(&socket));
        while peer.read(&mut [0; 65536]).is_ok_and(|count| count > 0) {}
    });
}

#[test]
fn what_was_parked_is_given_out_after_the_loop_has_ended() {
    within(|| {
        let mut runner = runner();
        let (mut stream, _peer) = runner
            .run(async {
                let (mut stream, mut peer) = pair();
                drop(poll_once(&mut Box::pin(stream.recv())).await);
                std::io::Write::write_all(&mut peer, b"parked").unwrap();
                until(|| waiting(&stream, 10) == 0).await;
                settle().await;
                (stream, peer)
            })
            .unwrap();
        drop(runner);
        let socket = identity(&stream);
        let (first, second) = ringio::run(async { (stream.recv().await, stream.recv().await) });
        assert_eq!(&first.unwrap()[..], b"parked");
        assert_eq!(second.unwrap_err().kind(), ErrorKind::BrokenPipe);
        drop(stream);
        assert!(!is_open(&socket));
    });
}

#[test]
fn close_and_into_std_work_after_the_loop_has_ended() {
    within(|| {
        let mut first = runner();
        let (one, two, peer) = first
            .run(async {
                let ((mut one, _), (mut two, peer)) = (pair(), pair());
                drop(poll_once(&mut Box::pin(one.recv())).await);
                drop(poll_once(&mut Box::pin(two.recv())).await);
                (one, two, peer)
            })
            .unwrap();
        first.close();
        let socket = identity(&one);
        let (mut two, leftover) = ringio::run(async {
            one.close().await.unwrap();
            two.into_std().await.unwrap()
        });
        assert!(!is_open(&socket) && leftover.is_empty());
        drop(peer);
        assert_eq!(two.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_stream_on_another_loop_of_the_thread_says_so_and_works_on_its_own() {
    within(|| {
        let mut own = runner();
        let (mut stream, mut peer) = own.run(async { pair() }).unwrap();
        let mut other = runner();
        let errors = other
            .run(async {
                [
                    stream.recv().await.unwrap_err(),
                    stream.read(vec![0; 4]).await.0.unwrap_err(),
                    stream.read_exact(vec![0; 4]).await.0.unwrap_err(),
                    stream.write_all("x").await.0.unwrap_err(),
                    stream.writev(vec!["x"]).await.0.unwrap_err(),
                    stream.shutdown(Shutdown::Read).await.unwrap_err(),
                    stream.shutdown(Shutdown::Write).await.unwrap_err(),
                    stream.shutdown(Shutdown::Both).await.unwrap_err(),
                ]
            })
            .unwrap();
        for error in errors {
            assert!(error.to_string().contains("another event loop"), "{error}");
        }
        own.run(async {
            std::io::Write::write_all(&mut peer, b"ping").unwrap();
            assert_eq!(&stream.recv().await.unwrap()[..], b"ping");
            stream.write_all("pong").await.0.unwrap();
            let mut buffer = [0; 4];
            peer.read_exact(&mut buffer).unwrap();
            assert_eq!(&buffer, b"pong");
        })
        .unwrap();
    });
}

#[test]
fn the_end_of_a_stream_on_another_loop_does_not_hang() {
    within(|| {
        let mut own = runner();
        let (one, two) = own.run(async { (pair().0, pair().0) }).unwrap();
        let sockets = [identity(&one), identity(&two)];
        let mut other = runner();
        let errors = other
            .run(async { [one.close().await.unwrap_err(), two.into_std().await.unwrap_err()] })
            .unwrap();
        for error in errors {
            assert!(error.to_string().contains("another event loop"), "{error}");
        }
        drop(own);
        assert!(sockets.iter().all(|socket| !is_open(socket)));
    });
}

#[test]
fn a_stream_that_is_dropped_between_two_runs_is_closed() {
    within(|| {
        let mut runner = runner();
        let (stream, mut peer) = runner
            .run(async {
                let (mut stream, peer) = pair();
                drop(poll_once(&mut Box::pin(stream.recv())).await);
                (stream, peer)
            })
            .unwrap();
        let socket = identity(&stream);
        drop(stream);
        runner.run(async { until(|| !is_open(&socket)).await }).unwrap();
        assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_loop_that_ends_with_busy_streams_in_its_tasks_closes_them() {
    within(|| {
        let mut runner = runner();
        let (sockets, _peers) = runner
            .run(async {
                let (mut sockets, mut peers) = (Vec::new(), Vec::new());
                for kind in 0..30 {
                    let (mut stream, peer) = pair();
                    sockets.push(identity(&stream));
                    peers.push(peer);
                    drop(ringio::spawn(async move {
                        match kind % 3 {
                            0 => drop(stream.recv().await),
                            1 => drop(stream.read(vec![0; 100_000]).await),
                            _ => drop(stream.write(pattern(0, 8 << 20)).await),
                        }
                    }));
                }
                settle().await;
                (sockets, peers)
            })
            .unwrap();
        assert!(sockets.iter().all(|socket| is_open(socket)));
        drop(runner);
        assert!(sockets.iter().all(|socket| !is_open(socket)));
    });
}
