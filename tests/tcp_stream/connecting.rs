//! Making a connection.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use ringio::net::TcpStream;

use crate::support::*;

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Nobody listens there.
fn deaf() -> SocketAddr {
    listener().1
}

#[test]
fn nobody_listens_is_connection_refused() {
    run(async || {
        let error = TcpStream::connect(deaf()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_builder_sets_the_local_end_and_the_options() {
    run(async || {
        let (_listener, address) = listener();
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, deaf().port()));
        let stream = TcpStream::builder()
            .local_addr(local)
            .nodelay(true)
            .recv_buffer(50_000)
            .send_buffer(60_000)
            .connect(address)
            .await
            .unwrap();
        assert_eq!(stream.local_addr().unwrap(), local);
        assert!(stream.nodelay().unwrap());
        let socket = socket2::SockRef::from(&stream);
        // socket(7): the kernel doubles it.
        assert_eq!(socket.recv_buffer_size().unwrap(), 100_000);
        assert_eq!(socket.send_buffer_size().unwrap(), 120_000);
    });
}

/// At each point at which a connect can be dropped, no socket is left behind.
#[test]
fn a_connect_that_is_dropped_leaves_no_socket() {
    run(async || {
        let (listener, address) = listener();
        for polls in 0..6 {
            let mut connect = Box::pin(TcpStream::connect(address));
            let mut made = false;
            for _ in 0..polls {
                if let std::task::Poll::Ready(stream) = poll_once(&mut connect).await {
                    drop(stream.unwrap());
                    made = true;
                    break;
                }
                ringio::yield_now().await;
            }
            drop(connect);
            settle().await;
            listener.set_nonblocking(true).unwrap();
            // The kernel may have connected it; then its end follows.
            match listener.accept() {
                Ok((mut peer, _)) => {
                    peer.set_nonblocking(false).unwrap();
                    let end = peer_end(move || peer.read(&mut [0; 1])).await;
                    assert!(end, "{polls} polls");
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    assert!(!made, "{polls} polls");
                }
            }
        }
    });
}

async fn peer_end(mut read: impl FnMut() -> std::io::Result<usize> + Send + 'static) -> bool {
    peer(move || matches!(read(), Ok(0) | Err(_))).await
}
