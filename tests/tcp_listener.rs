//! A listener loses no connection, bounds what it parks, and leaves its port free.

#[path = "support/child.rs"]
mod child;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/watchdog.rs"]
mod watchdog;

mod tcp_listener {
    mod builder;
    mod limits;
}

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use peer::peer;
use ringio::net::{TcpListener, TcpStream};
use ringio::{spawn, timeout, yield_now};
use watchdog::bounded;

/// A client that is happy once it is answered.
pub(crate) fn ask(address: SocketAddr) {
    let mut client = StdStream::connect(address).expect("connected");
    client.read_exact(&mut [0]).expect("answered");
}

/// A thread of clients, one after another.
fn clients(address: SocketAddr, count: usize) -> JoinHandle<()> {
    thread::spawn(move || (0..count).for_each(|_| ask(address)))
}

pub(crate) async fn answer(mut stream: TcpStream) {
    stream.write_all("!").await.0.expect("written");
}

pub(crate) async fn local() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Fewer where the code is slow.
fn many(count: usize) -> usize {
    if cfg!(debug_assertions) { count / 4 } else { count }
}

#[test]
fn accept_tells_who_has_connected() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            let client = StdStream::connect(address).unwrap();
            let (server, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            assert_eq!(server.peer_addr().unwrap(), peer);
            assert_eq!(server.local_addr().unwrap(), address);
        });
    });
}

#[test]
fn incoming_gives_them_in_order() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            let clients: Vec<_> = (0..40).map(|_| StdStream::connect(address).unwrap()).collect();
            let mut incoming = listener.incoming();
            for client in &clients {
                let server = incoming.next().await.unwrap().unwrap();
                assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
            }
            assert!(incoming.next().now_or_never().is_none());
        });
    });
}

/// Accepts that end in ever different ways before their connection comes.
async fn losing_accept(listener: &TcpListener, round: usize) -> Option<TcpStream> {
    let accepted = match round % 4 {
        0 => timeout(Duration::from_micros(round as u64 % 97), listener.accept()).await.ok(),
        1 => listener.accept().now_or_never(),
        2 => match select(pin!(listener.accept()), pin!(yield_now())).await {
            Either::Left((accepted, _)) => Some(accepted),
            Either::Right(_) => None,
        },
        _ => {
            let incoming = listener.incoming().next().now_or_never();
            return incoming.map(|next| next.expect("it never ends").expect("accepted"));
        }
    };
    accepted.map(|accepted| accepted.expect("accepted").0)
}

#[test]
fn no_connection_is_lost_to_accepts_that_are_dropped() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            let threads: Vec<_> = (0..2).map(|_| clients(address, many(2_000))).collect();
            let mut answered = 0;
            for round in 0.. {
                if let Some(stream) = losing_accept(&listener, round).await {
                    answer(stream).await;
                    answered += 1;
                }
                if threads.iter().all(JoinHandle::is_finished) {
                    break;
                }
                yield_now().await;
            }
            assert_eq!(answered, 2 * many(2_000));
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
}

#[test]
fn several_tasks_accept_and_none_starves_when_others_go() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            let (listener, answered) = (Rc::new(listener), Rc::new(Cell::new(0)));
            for _ in 0..24 {
                let (listener, answered) = (listener.clone(), answered.clone());
                spawn(async move {
                    loop {
                        let mut accept = Box::pin(listener.accept());
                        let first = poll_fn(|cx| Poll::Ready(accept.as_mut().poll(cx))).await;
                        if let Poll::Ready(accepted) = first {
                            answered.set(answered.get() + 1);
                            answer(accepted.unwrap().0).await;
                            continue;
                        }
                        // Woken, it goes without a look, and lets the others have it.
                        woken().await;
                        drop(accept);
                        yield_now().await;
                    }
                });
            }
            for _ in 0..8 {
                let (listener, answered) = (listener.clone(), answered.clone());
                spawn(async move {
                    loop {
                        let stream = listener.accept().await.unwrap().0;
                        answered.set(answered.get() + 1);
                        answer(stream).await;
                    }
                });
            }
            let both = (0..2).map(|_| clients(address, many(1_000)));
            let both: Vec<_> = both.collect();
            peer(|| both.into_iter().for_each(|thread| thread.join().unwrap())).await;
            assert_eq!(answered.get(), 2 * many(1_000));
        });
    });
}

/// Ends at the next wake of the task, whoever it comes from.
async fn woken() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

#[test]
fn connections_that_were_reset_in_the_backlog_say_so_and_whose_they_were() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            let mut gone = Vec::new();
            for _ in 0..20 {
                let client = StdStream::connect(address).unwrap();
                gone.push(client.local_addr().unwrap());
                socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            }
            let client = StdStream::connect(address).unwrap();
            for gone in gone {
                let (mut stream, peer) = listener.accept().await.unwrap();
                assert_eq!(peer, gone);
                let error = stream.recv().await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            }
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        });
    });
}

#[test]
fn one_that_was_reset_has_no_peer() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            let gone = StdStream::connect(address).unwrap();
            socket2::SockRef::from(&gone).set_linger(Some(Duration::ZERO)).unwrap();
            drop(gone);
            let mut stream = listener.incoming().next().await.unwrap().unwrap();
            let error = stream.peer_addr().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENOTCONN));
            let error = stream.recv().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        });
    });
}

#[test]
fn the_port_is_free_when_close_returns() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            listener.close().await.unwrap();
            for round in 0..50 {
                let listener = TcpListener::bind(address).await.unwrap();
                // Accepts in flight, and now and then a connection that nobody takes.
                assert!(listener.accept().now_or_never().is_none());
                let client = (round % 3 == 0).then(|| StdStream::connect(address).unwrap());
                if round % 2 == 0 {
                    yield_now().await;
                }
                listener.close().await.unwrap();
                if let Some(mut client) = client {
                    assert_ne!(client.read(&mut [0]).unwrap_or(0), 1, "nobody answers");
                }
            }
        });
    });
}

#[test]
fn the_port_is_free_soon_after_a_drop() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            let accept = |listener: TcpListener| async move {
                listener.accept().await.unwrap();
            };
            let accepting = spawn(accept(listener));
            yield_now().await;
            accepting.cancel();
            let mut turns = 0;
            while std::net::TcpListener::bind(address).is_err() {
                turns += 1;
                assert!(turns < 1_000, "the port stays taken");
                ringio::time::sleep(Duration::from_micros(100)).await;
            }
        });
    });
}

#[test]
fn a_dropped_close_goes_on() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            assert!(listener.accept().now_or_never().is_none());
            assert!(listener.close().now_or_never().is_none());
            while std::net::TcpListener::bind(address).is_err() {
                yield_now().await;
            }
        });
    });
}

#[test]
fn a_listener_that_outlives_its_loop_says_so() {
    bounded(|| {
        let kept = Rc::new(RefCell::new(None));
        let theirs = kept.clone();
        ringio::run(async move {
            let (listener, _) = local().await;
            assert!(listener.accept().now_or_never().is_none());
            *theirs.borrow_mut() = Some(listener);
        });
        let listener = kept.take().unwrap();
        let address = listener.local_addr().unwrap();
        ringio::run(async {
            let error = listener.accept().await.unwrap_err();
            assert!(error.to_string().contains("has ended"), "{error}");
        });
        drop(listener);
        drop(std::net::TcpListener::bind(address).expect("dropping it has closed it"));
    });
}

#[test]
fn from_std_takes_over_also_a_non_blocking_one() {
    bounded(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let error = TcpListener::from_std(listener.try_clone().unwrap()).unwrap_err();
        assert!(error.to_string().contains("no event loop runs"), "{error}");
        ringio::run(async {
            listener.set_nonblocking(true).unwrap();
            let listener = TcpListener::from_std(listener).unwrap();
            assert_eq!(listener.local_addr().unwrap(), address);
            let client = clients(address, 1);
            answer(listener.accept().await.unwrap().0).await;
            client.join().unwrap();
        });
    });
}
