//! 256 operations in flight, of every kind.

use std::fs;
use std::future::pending;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::time::sleep;
use ringio::{JoinHandle, op, spawn, timeout, yield_now};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::level::rings;
use crate::support::{own_host, poll_once, std_pair};

const LISTENERS: usize = 5;
/// Each listener has 16 accepts in flight.
const ACCEPTS: usize = 16;
const RECEIVES: usize = 60;
const READS: usize = 50;
const WRITES: usize = 40;
const CONNECTS: usize = 20;
const NO_OPS: usize = 6;

const _: () = assert!(LISTENERS * ACCEPTS + RECEIVES + READS + WRITES + CONNECTS + NO_OPS == 256);

/// More than a socket's kernel buffers take, so that a write of it stays in flight.
const BIG: usize = 1 << 20;

type Pair = (std::net::TcpStream, std::net::TcpStream);

/// Sockets that outlive the runners: each of those gets descriptors of its own.
pub(crate) struct Sockets {
    quiet: Vec<Pair>,
    full: Vec<Pair>,
    /// Its backlog is full, so that to connect to it takes for ever.
    deaf: Socket,
    _backlog: Vec<Socket>,
    /// What the writes send.
    big: Rc<[u8]>,
}

impl Sockets {
    pub(crate) fn new() -> Sockets {
        let full = |_| {
            let (ours, peer) = std_pair();
            SockRef::from(&ours).set_send_buffer_size(16 * 1024).unwrap();
            SockRef::from(&peer).set_recv_buffer_size(16 * 1024).unwrap();
            (ours, peer)
        };
        let deaf = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        deaf.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        deaf.listen(0).unwrap();
        let address = deaf.local_addr().unwrap();
        let knock = |address: &SockAddr| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            drop(socket.connect(address));
            socket
        };
        Sockets {
            quiet: (0..RECEIVES + READS).map(|_| std_pair()).collect(),
            full: (0..WRITES).map(full).collect(),
            _backlog: (0..4).map(|_| knock(&address)).collect(),
            deaf,
            big: vec![7; BIG].into(),
        }
    }

    /// Whether no runner has kept what it was to write.
    pub(crate) fn is_alone(&self) -> bool {
        Rc::strong_count(&self.big) == 1
    }

    fn deaf(&self) -> SocketAddr {
        self.deaf.local_addr().unwrap().as_socket().unwrap()
    }
}

/// What a run leaves behind for whoever ends its runner.
#[derive(Default)]
pub(crate) struct Left {
    /// Ports on which nobody has connected.
    pub(crate) untouched: Vec<SocketAddr>,
    /// Ports with connections.
    pub(crate) used: Vec<SocketAddr>,
    /// Sockets that outlive their loop, with operations in flight which nothing but its end ends.
    listener: Option<TcpListener>,
    streams: Vec<TcpStream>,
    /// The tasks, which are over by then.
    pub(crate) tasks: Vec<JoinHandle<()>>,
    /// Connections that nobody will ever accept.
    late: Vec<std::net::TcpStream>,
}

impl Left {
    /// Connects, and sends a few bytes, when the loop is about to end: to a listener that ends with
    /// it, and to the one that outlives it, which takes the connection that nobody will ask for.
    pub(crate) fn knock(&mut self) {
        for address in &self.used {
            let mut late = std::net::TcpStream::connect(address).unwrap();
            late.write_all(b"is anybody there?").unwrap();
            self.late.push(late);
        }
    }

    /// Drops the sockets that have outlived their loop.
    pub(crate) fn drop_sockets(&mut self) {
        self.listener = None;
        self.streams.clear();
    }

    /// They can be bound at once. A connection that has ended stays in TIME_WAIT for a minute, and
    /// its port with it unless SO_REUSEADDR says that this does not matter, as the standard library
    /// does: it never lets two sockets listen. The other ports need not even that.
    pub(crate) fn assert_ports_are_free(&self) {
        for address in &self.used {
            drop(std::net::TcpListener::bind(address).expect("the port is free"));
        }
        for address in &self.untouched {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.bind(&(*address).into()).expect("the port is free");
            socket.listen(1).unwrap();
        }
    }
}

/// Starts all of them. Of the receives, reads and writes each third has lost its future.
pub(crate) async fn start(sockets: &Sockets) -> Left {
    let mut left = Left::default();
    for number in 0..LISTENERS {
        let listener = TcpListener::bind((own_host(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        match number {
            0 | 1 => left.used.push(address),
            _ => left.untouched.push(address),
        }
        if number == 0 {
            connect(&listener, address, &mut left).await;
        }
        if number == 1 {
            assert!(poll_once(&mut pin!(listener.accept())).await.is_pending());
            left.listener = Some(listener);
        } else {
            left.tasks.push(spawn(async move { drop(listener.accept().await) }));
        }
    }
    let mut lost = Vec::new();
    let stream = |(ours, _): &Pair| TcpStream::from_std(ours.try_clone().unwrap()).unwrap();
    for (number, pair) in sockets.quiet.iter().enumerate() {
        let mut stream = stream(pair);
        left.tasks.push(match (number < RECEIVES, number % 3) {
            (true, 0) => {
                assert!(poll_once(&mut pin!(stream.recv())).await.is_pending());
                left.streams.push(stream);
                continue;
            }
            (true, _) => spawn(async move { drop(stream.recv().await) }),
            // A read that loses its future is cancelled at once: see below.
            (false, 0) => {
                lost.push(stream);
                continue;
            }
            (false, _) => spawn(async move { drop(stream.read(vec![0; 100]).await) }),
        });
    }
    for (number, pair) in sockets.full.iter().enumerate() {
        let (mut stream, big) = (stream(pair), sockets.big.clone());
        left.tasks.push(match number % 3 {
            0 => spawn(async move {
                assert!(poll_once(&mut pin!(stream.write_all(big))).await.is_pending());
                pending().await
            }),
            _ => spawn(async move { drop(stream.write_all(big).await) }),
        });
    }
    for _ in 0..CONNECTS {
        let address = sockets.deaf();
        left.tasks.push(spawn(async move { drop(TcpStream::connect(address).await) }));
    }
    for seconds in [60, 3_600, 86_400] {
        left.tasks.push(spawn(sleep(Duration::from_secs(seconds))));
        let timeout = timeout(Duration::from_secs(seconds), pending::<()>());
        left.tasks.push(spawn(async move { _ = timeout.await }));
    }
    // A connect is a chain of operations: the last one is the connect itself.
    for _ in 0..8 {
        yield_now().await;
    }
    // The kernel has all but these, which are not submitted when this ends.
    let queued = NO_OPS + lost.len();
    let armed = armed();
    assert!(armed + queued >= 256, "the kernel has {armed} operations in flight");
    for task in &left.tasks {
        assert!(!task.is_finished(), "all are in flight");
    }
    for mut stream in lost {
        left.tasks.push(spawn(async move {
            assert!(poll_once(&mut pin!(stream.read(vec![0; 100]))).await.is_pending());
            pending().await
        }));
    }
    for _ in 0..NO_OPS {
        left.tasks.push(spawn(async { drop(op::nop().await) }));
    }
    yield_now().await;
    left
}

/// Operations that the kernel has in flight on the only ring of this process, the doorbell not
/// counted: it lists those which wait for their socket.
fn armed() -> usize {
    let ring = rings().next().expect("the loop has a ring");
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{ring}")).unwrap();
    info.lines().filter(|line| line.trim_start().starts_with("op=")).count() - 1
}

/// A connection with unread bytes at both ends, of which one outlives the loop.
async fn connect(listener: &TcpListener, address: SocketAddr, left: &mut Left) {
    let mut near = TcpStream::connect(address).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    far.write_all("parked").await.0.unwrap();
    near.write_all("not even received").await.0.unwrap();
    assert!(poll_once(&mut pin!(near.recv())).await.is_pending());
    left.streams.push(near);
    left.tasks.push(spawn(async move {
        let _far = far;
        pending().await
    }));
}
