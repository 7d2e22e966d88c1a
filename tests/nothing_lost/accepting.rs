//! Accepts that lose a race at the moment when a connection arrives: each client sends its number
//! and gets it back, once.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use ringio::net::{TcpListener, TcpStream};
use ringio::{JoinHandle, spawn, timeout, yield_now};

use crate::support::*;

/// A client that waits for its answer.
pub(super) struct Client {
    socket: StdStream,
    number: u32,
}

impl Client {
    /// Connects and sends its number. It resets the connection in the end, so that no port stays
    /// taken.
    pub(super) fn new(address: SocketAddr, number: u32) -> Client {
        let mut socket = StdStream::connect(address).unwrap();
        socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        socket.write_all(&number.to_le_bytes()).unwrap();
        Client { socket, number }
    }

    /// Waits for the answer, on a thread of its own.
    fn finish(mut self) {
        self.socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut answer = [0; 4];
        let answered = self.socket.read_exact(&mut answer);
        answered
            .unwrap_or_else(|error| panic!("connection {} is not served: {error}", self.number));
        assert_eq!(u32::from_le_bytes(answer), self.number);
    }

    /// Whether the answer is there.
    pub(super) fn is_answered(&mut self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        let mut answer = [0; 8];
        match self.socket.read(&mut answer) {
            Ok(count) => {
                assert_eq!(answer[..count], self.number.to_le_bytes());
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("connection {}: {error}", self.number),
        }
    }
}

/// The server's books: how often each number was served.
#[derive(Default)]
pub(super) struct Books {
    served: RefCell<Vec<u8>>,
    /// Connections that are there.
    pub(super) arrived: Cell<u64>,
    /// Those that an accept has given.
    taken: Cell<u64>,
    pub(super) seen: RefCell<Seen>,
}

impl Books {
    pub(super) fn note(&self, what: &'static str) {
        self.seen.borrow_mut().add(what, 1);
    }

    /// An accept has lost: to a connection that it could have had, or to none.
    pub(super) fn note_lost(&self) {
        self.note("accepts lost");
        if self.arrived.get() > self.taken.get() {
            self.note("to a connection");
        }
    }

    /// Answers one connection, in a task of its own.
    pub(super) fn serve(self: &Rc<Self>, mut stream: TcpStream) -> JoinHandle<()> {
        let books = self.clone();
        self.taken.set(self.taken.get() + 1);
        spawn(async move {
            let (result, bytes) = stream.read_exact(Vec::with_capacity(4)).await;
            if result.is_err() {
                // It was reset before it had said its number.
                return books.note("decoys");
            }
            let number = u32::from_le_bytes(bytes[..].try_into().unwrap()) as usize;
            books.note_served(number);
            books.note("connections");
            stream.write_all(bytes).await.0.unwrap();
        })
    }

    fn note_served(&self, number: usize) {
        let mut served = self.served.borrow_mut();
        let room = served.len().max(number + 1);
        served.resize(room, 0);
        served[number] += 1;
    }

    pub(super) fn assert_each_once(&self, count: usize) {
        let served = self.served.borrow();
        assert_eq!(served.len(), count);
        if let Some(number) = served.iter().position(|times| *times != 1) {
            panic!("connection {number} was served {} times", served[number]);
        }
    }
}

/// Ends at the next wake of the task, whoever it comes from.
pub(super) async fn woken() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

pub(super) async fn turns(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// An accept that ends in one of many ways, mostly before its connection comes. `strike` is when
/// one may come.
pub(super) async fn losing_accept(
    listener: &TcpListener,
    random: &mut Random,
    strike: impl Fn(),
) -> Option<TcpStream> {
    let (before, after) = (random.below(3), random.below(4));
    let accept = async {
        // Both ways to accept.
        if before == 1 {
            listener.incoming().next().await.unwrap().unwrap()
        } else {
            listener.accept().await.unwrap().0
        }
    };
    let mut accept = Box::pin(accept);
    let rival = Box::pin(async {
        turns(before).await;
        strike();
        turns(after).await;
    });
    match random.below(6) {
        0 => {
            let limit = Duration::from_nanos(1 + random.below(30_000) as u64);
            let striking = async {
                rival.await;
                pending::<()>().await;
            };
            match timeout(limit, select(accept, Box::pin(striking))).await {
                Ok(Either::Left((stream, _))) => Some(stream),
                _ => None,
            }
        }
        1 | 2 => match select(accept, rival).await {
            Either::Left((stream, _)) => Some(stream),
            Either::Right(_) => None,
        },
        3 | 4 => match select(rival, accept).await {
            Either::Left(_) => None,
            Either::Right((stream, _)) => Some(stream),
        },
        _ => {
            if let Poll::Ready(stream) = poll_once(&mut accept).await {
                return Some(stream);
            }
            strike();
            // Woken, perhaps for a connection, it goes without a look.
            match select(Box::pin(woken()), Box::pin(turns(3))).await {
                Either::Left(_) | Either::Right(_) => None,
            }
        }
    }
}

/// Accepts until all that will come have come.
async fn accept_all(
    listener: Rc<TcpListener>,
    books: Rc<Books>,
    seed: u64,
    strike: Rc<dyn Fn()>,
    done: Rc<Cell<bool>>,
) {
    let mut random = Random(seed);
    while !done.get() {
        match losing_accept(&listener, &mut random, || strike()).await {
            Some(stream) => drop(books.serve(stream)),
            None => {
                books.note_lost();
                if random.below(2) == 0
                    && let Some(accepted) = listener.accept().now_or_never()
                {
                    books.note("found parked at once");
                    drop(books.serve(accepted.unwrap().0));
                }
            }
        }
        yield_now().await;
    }
}

/// A thread of clients, several at a time; now and then one that says nothing and resets.
fn clients(address: SocketAddr, numbers: std::ops::Range<u32>, seed: u64) {
    let (mut random, mut numbers) = (Random(seed), numbers.peekable());
    while numbers.peek().is_some() {
        let some = 1 + random.below(8);
        let clients: Vec<_> =
            numbers.by_ref().take(some).map(|number| Client::new(address, number)).collect();
        if random.below(30) == 0 {
            let decoy = StdStream::connect(address).unwrap();
            socket2::SockRef::from(&decoy).set_linger(Some(Duration::ZERO)).unwrap();
        }
        clients.into_iter().for_each(Client::finish);
    }
}

/// Twelve tasks whose accepts nearly all lose, clients on two threads.
#[test]
fn accepts_that_lose_to_the_clients_of_two_threads_lose_no_connection() {
    const CLIENTS: u32 = 1_000;
    let _alone = alone();
    let mut all = Seen::default();
    for seed in repetitions(4) {
        all.all_of(level(loops(seed), async move || {
            let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let address = listener.local_addr().unwrap();
            let (books, done) = (Rc::new(Books::default()), Rc::new(Cell::new(false)));
            let strike: Rc<dyn Fn()> = Rc::new(|| ());
            let acceptors: Vec<_> = (0..12)
                .map(|place| {
                    let (strike, done) = (strike.clone(), done.clone());
                    let seed = seed * 100 + place;
                    spawn(accept_all(listener.clone(), books.clone(), seed, strike, done))
                })
                .collect();
            let first = start_peer(move || clients(address, 0..CLIENTS, seed + 1));
            let second = start_peer(move || clients(address, CLIENTS..2 * CLIENTS, seed + 2));
            first.await;
            second.await;
            done.set(true);
            for acceptor in acceptors {
                acceptor.await.unwrap();
            }
            settle().await;
            while let Some(decoy) = listener.incoming().next().now_or_never() {
                books.serve(decoy.unwrap().unwrap()).await.unwrap();
            }
            books.assert_each_once(2 * CLIENTS as usize);
            books.seen.take()
        }));
    }
    println!("accepts against the clients of two threads: {all}");
    all.at_least("accepts lost", all.of("connections") / 2);
    all.at_least("found parked at once", all.of("connections") / 100);
}

/// The same with clients that connect between the polls of one thread: exactly then.
#[test]
fn accepts_that_lose_to_clients_between_the_polls_lose_no_connection() {
    const CLIENTS: u32 = 2_000;
    let _alone = alone();
    let mut all = Seen::default();
    for seed in repetitions(4) {
        all.all_of(level(loops(seed), async move || {
            let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let address = listener.local_addr().unwrap();
            let (books, done) = (Rc::new(Books::default()), Rc::new(Cell::new(false)));
            let waiting = Rc::new(RefCell::new(Vec::new()));
            let (theirs, next) = (waiting.clone(), Rc::new(Cell::new(0)));
            let striker = books.clone();
            let begun = next.clone();
            let strike: Rc<dyn Fn()> = Rc::new(move || {
                // The backlog has its limit, too.
                if next.get() < CLIENTS && theirs.borrow().len() < 100 {
                    theirs.borrow_mut().push(Client::new(address, next.replace(next.get() + 1)));
                    striker.arrived.set(u64::from(next.get()));
                }
            });
            let acceptors: Vec<_> = (0..12)
                .map(|place| {
                    let (strike, done) = (strike.clone(), done.clone());
                    let seed = seed * 100 + place;
                    spawn(accept_all(listener.clone(), books.clone(), seed, strike, done))
                })
                .collect();
            while begun.get() < CLIENTS || !waiting.borrow().is_empty() {
                waiting.borrow_mut().retain_mut(|client| !client.is_answered());
                yield_now().await;
            }
            done.set(true);
            for acceptor in acceptors {
                acceptor.await.unwrap();
            }
            books.assert_each_once(CLIENTS as usize);
            books.seen.take()
        }));
    }
    println!("accepts against clients between the polls: {all}");
    all.at_least("to a connection", all.of("connections") / 10);
    all.at_least("found parked at once", all.of("connections") / 100);
}
