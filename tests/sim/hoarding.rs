//! Tasks that keep every chunk they get, beside others that do not: the pool is dry for good.

use std::rc::Rc;

use futures_util::future::join;
use ringio::net::{TcpListener, TcpStream};
use ringio::testing::sim::Faults;
use ringio::{Chunk, spawn};

use crate::seeds::{occurred, seeds};
use crate::support::{Random, assert_pattern, pattern};

/// Bytes for each hoarder: more than all but the largest pools have.
const HOARD: usize = 40_000;

#[test]
fn a_task_that_keeps_its_chunks_stops_nobody() {
    let seen = seeds("hoarding", 1000, Faults::unkind, |run| {
        let mut random = Random(run.random.next());
        run.run(async {
            let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let mut hoards = Vec::new();
            for _ in 0..1 + random.below(3) {
                let (near, far) = pair(&listener).await;
                hoards.push(join(hoard(near), send(far, HOARD)).await.0);
            }
            let neighbours: Vec<_> = (0..1 + random.below(4))
                .map(|_| (listener.clone(), 1 + random.below(5000)))
                .map(|(listener, len)| spawn(async move { neighbour(&listener, len).await }))
                .collect();
            for neighbour in neighbours {
                neighbour.await.unwrap();
            }
            for chunks in hoards {
                let mut at = 0;
                for chunk in chunks {
                    assert_pattern(at, &chunk);
                    at += chunk.len();
                }
                assert_eq!(at, HOARD);
            }
        });
    });
    occurred(&seen, &[seen.dry_groups], 500);
}

async fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().unwrap();
    let (near, far) = join(TcpStream::connect(address), listener.accept()).await;
    (near.unwrap(), far.unwrap().0)
}

async fn send(mut stream: TcpStream, len: usize) {
    stream.write_all(pattern(0, len)).await.0.unwrap();
    stream.close().await.unwrap();
}

/// All chunks up to the end, kept.
async fn hoard(mut stream: TcpStream) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    loop {
        let chunk = stream.recv().await.unwrap();
        if chunk.is_empty() {
            return chunks;
        }
        chunks.push(chunk);
    }
}

/// Lets every chunk go at once.
async fn neighbour(listener: &TcpListener, len: usize) {
    // Others connect at the same time: whose other end this is does not matter.
    let (near, far) = pair(listener).await;
    let receive = async {
        let (mut stream, mut at) = (near, 0);
        loop {
            let chunk = stream.recv().await.unwrap();
            if chunk.is_empty() {
                return;
            }
            assert_pattern(at, &chunk);
            at += chunk.len();
        }
    };
    join(receive, send(far, len)).await;
}
