//! What a listener keeps for later, and what it does when descriptors run out.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use ringio::{spawn, timeout, yield_now};

use crate::child::in_child;
use crate::local;
use crate::watchdog::bounded;

/// How many connections wait in the kernel's backlog.
fn backlog(address: SocketAddr) -> usize {
    // proc(5): the receive queue of a listening socket (state 0A) is its backlog.
    let listening = format!(":{:04X} 00000000:0000 0A ", address.port());
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let line = sockets.lines().find(|line| line.contains(&listening)).expect("it listens");
    let queues = line.split_whitespace().nth(4).unwrap();
    usize::from_str_radix(queues.split_once(':').unwrap().1, 16).unwrap()
}

#[test]
fn at_most_sixty_four_connections_are_parked() {
    bounded(|| {
        ringio::run(async {
            let (listener, address) = local().await;
            assert!(listener.accept().now_or_never().is_none(), "accepting has begun");
            let clients: Vec<_> =
                (0..1_000).map(|_| StdStream::connect(address).unwrap()).collect();
            for _ in 0..200 {
                yield_now().await;
            }
            assert_eq!(backlog(address), 1_000 - 64);
            for (taken, client) in clients.iter().enumerate() {
                let (_, peer) = listener.accept().await.unwrap();
                assert_eq!(peer, client.local_addr().unwrap(), "in order");
                if taken % 100 == 0 {
                    assert!(backlog(address) >= 936_usize.saturating_sub(taken + 1));
                }
            }
        });
    });
}

/// Takes every descriptor that is left.
fn hog() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros as u64)
}

#[test]
fn without_descriptors_accept_says_so_and_goes_on_later() {
    const TEST: &str = "tcp_listener::limits::without_descriptors_accept_says_so_and_goes_on_later";
    let printed = in_child(TEST, || {
        setrlimit(Resource::RLIMIT_NOFILE, 64, 64).unwrap();
        ringio::run(async {
            let (listener, address) = local().await;
            let clients = [(); 5].map(|()| StdStream::connect(address).unwrap());
            let mut hogged = hog();
            let began = cpu_time();
            let mut errors = 0;
            // Pauses of 10, 20, 40, 80, 160 ms: the sixth error comes after 310 ms.
            let _ = timeout(Duration::from_millis(300), async {
                loop {
                    let error = listener.accept().await.unwrap_err();
                    assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
                    errors += 1;
                }
            })
            .await;
            assert!((1..=5).contains(&errors), "{errors} errors");
            let spent = cpu_time() - began;
            assert!(spent < Duration::from_millis(100), "{spent:?} of 300 ms");
            // Looking takes a descriptor; nothing is in flight that would take it first.
            drop(hogged.pop());
            assert_eq!(backlog(address), 5, "they stay in the backlog");
            drop(hogged);
            let mut accepted = 0;
            while accepted < clients.len() {
                accepted += usize::from(listener.accept().await.is_ok());
            }
            println!("SERVED {accepted}");
        });
    });
    assert!(printed.is_none_or(|text| text.contains("SERVED 5")));
}

#[test]
fn whoever_hears_of_the_shortage_may_go_and_the_others_are_served() {
    const TEST: &str =
        "tcp_listener::limits::whoever_hears_of_the_shortage_may_go_and_the_others_are_served";
    let printed = in_child(TEST, || {
        setrlimit(Resource::RLIMIT_NOFILE, 64, 64).unwrap();
        ringio::run(async {
            let (listener, address) = local().await;
            let listener = Rc::new(listener);
            let acceptors: Vec<_> = (0..3)
                .map(|_| {
                    let listener = listener.clone();
                    spawn(async move { listener.accept().await.is_ok() })
                })
                .collect();
            yield_now().await;
            let socket =
                socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            let hogged = hog();
            socket.connect(&address.into()).unwrap();
            // One is told, and ends; nobody calls accept again.
            while !acceptors.iter().any(|task| task.is_finished()) {
                yield_now().await;
            }
            drop(hogged);
            let _second = StdStream::connect(address).unwrap();
            let mut outcomes = Vec::new();
            for task in acceptors {
                outcomes.push(task.await.unwrap());
            }
            outcomes.sort();
            println!("OUTCOMES {outcomes:?}");
        });
    });
    assert!(printed.is_none_or(|text| text.contains("OUTCOMES [false, true, true]")));
}
