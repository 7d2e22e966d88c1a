//! Connecting: what fails says why, and what is dropped leaves nothing behind.

#[path = "support/child.rs"]
mod child;
#[path = "support/watchdog.rs"]
mod watchdog;

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use child::in_child;
use futures_util::FutureExt;
use ringio::net::{TcpListener, TcpStream, ToAddrs, lookup_host};
use ringio::{timeout, yield_now};
use socket2::{Domain, SockRef, Socket, Type};
use watchdog::bounded;

/// Binds a port and lets it go.
fn nobody_there() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A listener whose backlog is full: whoever connects hears nothing.
fn dead_upstream() -> (Socket, Vec<std::net::TcpStream>, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let patience = Duration::from_millis(50);
    let connect = || std::net::TcpStream::connect_timeout(&address, patience).ok();
    let waiting = std::iter::from_fn(connect).collect();
    (socket, waiting, address)
}

#[test]
fn refused() {
    bounded(|| {
        ringio::run(async {
            let error = TcpStream::connect(nobody_there()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            let (host, port) = ("localhost", nobody_there().port());
            let error = TcpStream::connect((host, port)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        });
    });
}

#[test]
fn names_and_addresses_in_every_form() {
    async fn connects(address: impl ToAddrs, listener: &TcpListener) {
        let stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, stream.local_addr().unwrap());
    }
    bounded(|| {
        ringio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let port = address.port();
            connects(address, &listener).await;
            connects((Ipv4Addr::LOCALHOST, port), &listener).await;
            connects((IpAddr::from(Ipv4Addr::LOCALHOST), port), &listener).await;
            connects(address.to_string(), &listener).await;
            connects(&address.to_string(), &listener).await;
            connects(address.to_string().as_str(), &listener).await;
            connects(("127.0.0.1", port), &listener).await;
            // The name has perhaps an IPv6 address first, which is refused: each is tried.
            connects(("localhost", port), &listener).await;
            connects(("localhost".to_owned(), port), &listener).await;
            connects(format!("localhost:{port}"), &listener).await;
        });
    });
}

#[test]
fn ipv6_where_there_is_any() {
    bounded(|| {
        ringio::run(async {
            let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await else {
                println!("skipped: no IPv6 here");
                return;
            };
            let address = listener.local_addr().unwrap();
            let stream = TcpStream::connect(format!("[::1]:{}", address.port())).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), address);
        });
    });
}

#[test]
fn bad_addresses_are_named() {
    bounded(|| {
        ringio::run(async {
            for bad in [
                "",
                ":",
                ":80",
                "localhost",
                "localhost:",
                "127.0.0.1",
                "127.0.0.1:65536",
                "[::1]",
                "localhost:http",
                "127.0.0.1:-1",
            ] {
                let error = TcpStream::connect(bad).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}: {error}");
                let words = error.to_string();
                assert!(
                    words.contains(&format!("{bad:?}")) && words.contains("host:port"),
                    "{words}"
                );
            }
            for unknown in ["no-such-host.invalid:80", "with\0zero:80", "two words:80", "a..b:80"] {
                let error = lookup_host(unknown).await.unwrap_err();
                let host = unknown.rsplit_once(':').unwrap().0;
                assert!(error.to_string().contains(&format!("looking up {host}")), "{error}");
            }
        });
    });
}

#[test]
fn the_builder_sets_options_and_the_local_address() {
    bounded(|| {
        ringio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let local = SocketAddr::from(([127, 0, 0, 2], 0));
            let stream = TcpStream::builder()
                .nodelay(true)
                .recv_buffer(20_000)
                .send_buffer(30_000)
                .local_addr(local)
                .connect(listener.local_addr().unwrap())
                .await
                .unwrap();
            assert!(stream.nodelay().unwrap());
            // socket(7): the kernel doubles them.
            assert_eq!(SockRef::from(&stream).recv_buffer_size().unwrap(), 40_000);
            assert_eq!(SockRef::from(&stream).send_buffer_size().unwrap(), 60_000);
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, stream.local_addr().unwrap());
            assert_eq!(peer.ip(), local.ip());
            let taken = TcpStream::builder().local_addr("192.0.2.1:0".parse().unwrap());
            let error = taken.connect(listener.local_addr().unwrap()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        });
    });
}

#[test]
fn an_upstream_that_says_nothing_is_timed_out() {
    bounded(|| {
        let (_socket, _waiting, address) = dead_upstream();
        ringio::run(async {
            let silent = timeout(Duration::from_millis(20), TcpStream::connect(address)).await;
            assert!(silent.is_err());
        });
    });
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_dropped_connect_leaks_nothing() {
    let printed = in_child("a_dropped_connect_leaks_nothing", || {
        let (_socket, _waiting, dead) = dead_upstream();
        ringio::run(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let alive = listener.local_addr().unwrap();
            let before = descriptors();
            for round in 0..300 {
                let address = if round % 2 == 0 { dead } else { alive };
                let limit = Duration::from_micros(round % 60);
                match round % 3 {
                    0 => drop(timeout(limit, TcpStream::connect(address)).await),
                    1 => drop(TcpStream::connect(address).now_or_never()),
                    _ => {
                        let task = ringio::spawn(TcpStream::connect(address));
                        for _ in 0..round % 7 {
                            yield_now().await;
                        }
                        task.cancel();
                        drop(task.await);
                    }
                }
            }
            // The closes are on their way.
            let mut turns = 0;
            while descriptors() > before {
                turns += 1;
                assert!(turns < 1_000, "{} descriptors, {before} before", descriptors());
                yield_now().await;
            }
            println!("NOTHING LEAKED");
        });
    });
    assert!(printed.is_none_or(|text| text.contains("NOTHING LEAKED")));
}
