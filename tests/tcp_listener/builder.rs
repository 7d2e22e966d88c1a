//! What the listener's settings do.

use std::cell::Cell;
use std::io;
use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::time::Duration;

use ringio::net::TcpListener;
use ringio::spawn;
use socket2::SockRef;

use crate::peer::peer;
use crate::watchdog::bounded;
use crate::{answer, ask};

#[test]
fn two_listeners_share_a_port_and_its_connections() {
    bounded(|| {
        ringio::run(async {
            let shared = TcpListener::builder().reuse_port(true);
            let first = shared.clone().bind("127.0.0.1:0").await.unwrap();
            let address = first.local_addr().unwrap();
            let second = shared.bind(address).await.unwrap();
            let counts = [first, second].map(|listener| {
                let count = Rc::new(Cell::new(0));
                let counted = count.clone();
                spawn(async move {
                    loop {
                        let (stream, _) = listener.accept().await.unwrap();
                        counted.set(counted.get() + 1);
                        answer(stream).await;
                    }
                });
                count
            });
            peer(move || (0..200).for_each(|_| ask(address))).await;
            let [first, second] = counts.map(|count| count.get());
            assert!(first > 0 && second > 0, "{first} and {second}");
            assert_eq!(first + second, 200);
        });
    });
}

#[test]
fn without_reuse_port_the_port_is_taken() {
    bounded(|| {
        ringio::run(async {
            let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let error = TcpListener::bind(first.local_addr().unwrap()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        });
    });
}

#[test]
fn the_backlog_is_the_kernel_s() {
    bounded(|| {
        ringio::run(async {
            let listener = TcpListener::builder().backlog(1).bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            // listen(2): Linux lets one more wait than asked for.
            let _waiting = [(); 2].map(|()| StdStream::connect(address).unwrap());
            let refused = StdStream::connect_timeout(&address, Duration::from_millis(50));
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    });
}

#[test]
fn accepted_connections_inherit_the_options() {
    bounded(|| {
        ringio::run(async {
            for nodelay in [false, true] {
                let listener = TcpListener::builder()
                    .nodelay(nodelay)
                    .recv_buffer(20_000)
                    .send_buffer(30_000)
                    .bind("127.0.0.1:0")
                    .await
                    .unwrap();
                let _client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
                let (stream, _) = listener.accept().await.unwrap();
                assert_eq!(stream.nodelay().unwrap(), nodelay);
                // socket(7): the kernel doubles them.
                assert_eq!(SockRef::from(&stream).recv_buffer_size().unwrap(), 40_000);
                assert_eq!(SockRef::from(&stream).send_buffer_size().unwrap(), 60_000);
            }
        });
    });
}

#[test]
fn of_several_addresses_one_is_bound() {
    bounded(|| {
        ringio::run(async {
            let listener = TcpListener::bind("localhost:0").await.unwrap();
            assert!(listener.local_addr().unwrap().ip().is_loopback());
            let error = TcpListener::bind("192.0.2.1:0").await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        });
    });
}

#[test]
fn outside_a_loop_it_says_so() {
    use futures_util::FutureExt;
    let error = TcpListener::bind("127.0.0.1:0").now_or_never().unwrap().unwrap_err();
    assert!(error.to_string().contains("no event loop runs on this thread"), "{error}");
}
