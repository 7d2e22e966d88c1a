//! Connections from outside, to acceptors of every fate, with descriptors running out.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::testing::sim::{Faults, Machine, Peer, Received};
use ringio::time::sleep;
use ringio::{spawn, timeout, yield_now};

use crate::seeds::{occurred, seeds};
use crate::support::{Fate, Random};

fn short_of_descriptors(seed: u64) -> Faults {
    let mut faults = Faults::unkind(seed);
    faults.no_descriptor = (seed % 5) as u32 * 100;
    faults.aborted_accept = (seed % 3) as u32 * 100;
    faults
}

#[test]
fn every_connection_is_served_once_whatever_becomes_of_acceptors() {
    let seen = seeds("accepting", 4000, short_of_descriptors, |run| {
        let (mut random, forgets) = (Random(run.random.next()), run.forgets);
        let machine = run.machine.clone();
        run.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let callers = 1 + random.below(40);
            let served = Rc::new(Cell::new(0));
            for number in 0..callers {
                call(&machine, address, number as u32, served.clone());
            }
            let all = listen(listener, Random(random.next()), forgets, &served, callers);
            let in_time = timeout(Duration::from_secs(300), all).await;
            in_time.unwrap_or_else(|_| panic!("{} of {callers} were served", served.get()));
        });
    });
    let hard = [seen.no_descriptors, seen.cancelled, seen.cancelled_accepts, seen.overflows_awake];
    occurred(&seen, &hard, 20);
}

/// Listens until all callers were served. Now and then it closes the listener, with connections in
/// every state, and listens anew at the same address.
async fn listen(
    mut listener: TcpListener,
    mut random: Random,
    forgets: bool,
    served: &Cell<usize>,
    callers: usize,
) {
    let address = listener.local_addr().unwrap();
    loop {
        let shared = Rc::new(listener);
        let acceptors: Vec<_> = (0..1 + random.below(4))
            .map(|_| spawn(accept(Rc::downgrade(&shared), Random(random.next()), forgets)))
            .collect();
        let patience = Duration::from_micros(random.below(4000) as u64);
        let all = async {
            while served.get() < callers {
                sleep(Duration::from_micros(100)).await;
            }
        };
        if timeout(patience, all).await.is_ok() {
            return;
        }
        for acceptor in &acceptors {
            acceptor.cancel();
        }
        for acceptor in acceptors {
            let _ = acceptor.await;
        }
        let closing = Rc::into_inner(shared).expect("the acceptors have ended");
        closing.close().await.unwrap();
        listener = TcpListener::bind(address).await.expect("the port is free");
    }
}

/// Accepts under futures of every fate.
async fn accept(listener: Weak<TcpListener>, mut random: Random, forgets: bool) {
    while let Some(listener) = listener.upgrade() {
        let fate = Fate::random(&mut random).forgotten_if(forgets && random.below(4) == 0);
        match fate.befall(listener.accept()).await {
            (Some(Ok((stream, _))), _) => drop(spawn(serve(stream))),
            (Some(Err(error)), _) => {
                assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
            }
            (None, _) => yield_now().await,
        }
    }
}

/// Gives a caller its number back.
async fn serve(mut stream: TcpStream) {
    let (result, number) = stream.read_exact(Vec::with_capacity(4)).await;
    if result.is_ok() && stream.write_all(number).await.0.is_ok() {
        // The caller closes first.
        let _ = stream.recv().await;
        let _ = stream.close().await;
    }
}

/// Somebody calls, from outside, until the number comes back.
fn call(machine: &Machine, address: SocketAddr, number: u32, served: Rc<Cell<usize>>) {
    let mut line: Option<(Peer, Vec<u8>, Vec<u8>)> = None;
    machine.outside(move |machine| {
        let pause = Some(Duration::from_micros(1 + machine.random(300) as u64));
        let Some((peer, unsent, answer)) = &mut line else {
            line = machine.connect(address).map(|peer| {
                let bytes = number.to_le_bytes().to_vec();
                (peer, bytes, Vec::new())
            });
            return pause;
        };
        let sent = peer.send(unsent);
        unsent.drain(..sent);
        match peer.receive(4) {
            Received::Bytes(bytes) => answer.extend(bytes),
            Received::Nothing => {}
            // It died in the backlog: call again.
            _ => line = None,
        }
        let done = line.as_ref().is_some_and(|(_, _, answer)| answer.len() == 4);
        if done {
            let answer = line.take().map(|(_, _, answer)| answer);
            assert_eq!(answer, Some(number.to_le_bytes().to_vec()), "somebody else's number");
            served.set(served.get() + 1);
            return None;
        }
        pause
    });
}
