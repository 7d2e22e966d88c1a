//! Handles that end while their peer neither says, reads nor closes anything: only a cancellation
//! gives the kernel's operations back.

use std::net::Shutdown;

use futures_util::future::join;
use ringio::net::{TcpListener, TcpStream};
use ringio::spawn;
use ringio::testing::sim::Faults;

use crate::seeds::{occurred, seeds};
use crate::support::{Fate, Random};

#[test]
fn a_handle_ends_though_its_peer_is_silent() {
    // With a cancellation lost nothing can happen any more, which the simulated kernel tells.
    let seen = seeds("silent", 3000, Faults::unkind, |run| {
        let (mut random, forgets) = (Random(run.random.next()), run.forgets);
        run.run(async {
            let tasks: Vec<_> = (0..1 + random.below(4))
                .map(|_| spawn(connection(Random(random.next()), forgets)))
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    occurred(&seen, &[seen.cancelled], 1000);
}

async fn connection(mut random: Random, forgets: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = join(TcpStream::connect(address), listener.accept()).await;
    let (mut near, mut far) = (near.unwrap(), far.unwrap().0);
    let mut wrote = false;
    for _ in 0..1 + random.below(3) {
        wrote |= begin(&mut near, &mut random, forgets).await;
    }
    let fate = Fate::random(&mut random).forgotten_if(forgets);
    assert!(never(fate, listener.accept()).await.is_none(), "nobody else connects");
    join(end(near, wrote, &mut random), listener.close()).await.1.unwrap();
    // It has sent what it had to, or not, and is closed: that is the end.
    while far.recv().await.is_ok_and(|chunk| !chunk.is_empty()) {}
    far.close().await.unwrap();
}

/// Runs a future that does not end by itself to one of the other fates.
async fn never<F: Future>(fate: Fate, future: F) -> Option<F::Output> {
    match fate {
        Fate::Awaited => Fate::Dropped(1).befall(future).await.0,
        fate => fate.befall(future).await.0,
    }
}

/// Leaves an operation in flight, or cancelled and not yet given back; says whether it is a write.
async fn begin(stream: &mut TcpStream, random: &mut Random, forgets: bool) -> bool {
    let fate = Fate::random(random).forgotten_if(forgets);
    let size = 1 + random.below(40_000);
    let kind = random.below(4);
    match kind {
        0 => assert!(never(fate, stream.recv()).await.is_none()),
        1 => assert!(never(fate, stream.read(Vec::with_capacity(size))).await.is_none()),
        2 => assert!(never(fate, stream.read_exact(Vec::with_capacity(size))).await.is_none()),
        // More than the connection may hold: then it is stuck.
        _ => drop(never(fate, stream.write_all(vec![7; 10 * size])).await),
    }
    kind == 3
}

async fn end(mut stream: TcpStream, wrote: bool, random: &mut Random) {
    // Closing waits for what was written, which the peer does not read.
    match random.below(if wrote { 2 } else { 4 }) {
        0 => drop(stream),
        1 => stream.abort(),
        2 => {
            stream.shutdown(Shutdown::Read).await.unwrap();
            stream.close().await.unwrap();
        }
        _ => stream.close().await.unwrap(),
    }
}
