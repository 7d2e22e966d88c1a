//! The proxy's work: `copy_bidirectional` between connections that end in every order.

use std::net::Shutdown;
use std::net::SocketAddr;

use futures_util::future::join;
use ringio::net::{TcpListener, TcpStream};
use ringio::stream::copy_bidirectional;
use ringio::testing::sim::Faults;
use ringio::{spawn, yield_now};

use crate::seeds::{occurred, seeds};
use crate::support::{Random, assert_pattern, pattern};

#[test]
fn what_is_forwarded_is_what_was_sent() {
    let seen = seeds("forwarding", 4000, Faults::unkind, |run| {
        let mut random = Random(run.random.next());
        run.run(async {
            let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (to, at) = (upstream.local_addr().unwrap(), front.local_addr().unwrap());
            let clients = 1 + random.below(3);
            let server = spawn(serve(upstream, clients, Random(random.next())));
            let proxy = spawn(forward(front, to, clients));
            let clients: Vec<_> =
                (0..clients).map(|_| spawn(client(at, Random(random.next())))).collect();
            for client in clients {
                client.await.unwrap();
            }
            server.await.unwrap();
            proxy.await.unwrap();
        });
    });
    let hard = [seen.dry_groups, seen.overflows, seen.short_writes, seen.ended_multishots];
    occurred(&seen, &hard, 100);
}

async fn forward(front: TcpListener, to: SocketAddr, count: usize) {
    let mut open = Vec::new();
    for _ in 0..count {
        let (mut client, _) = front.accept().await.unwrap();
        open.push(spawn(async move {
            let mut server = TcpStream::connect(to).await.unwrap();
            let moved = copy_bidirectional(&mut client, &mut server).await.unwrap();
            join(client.close(), server.close()).await.0.unwrap();
            moved
        }));
    }
    for task in open {
        task.await.unwrap();
    }
}

async fn serve(upstream: TcpListener, count: usize, mut random: Random) {
    let mut open = Vec::new();
    for _ in 0..count {
        let (stream, _) = upstream.accept().await.unwrap();
        let random = Random(random.next());
        open.push(spawn(exchange(stream, random, false)));
    }
    for task in open {
        task.await.unwrap();
    }
}

async fn client(at: SocketAddr, random: Random) {
    exchange(TcpStream::connect(at).await.unwrap(), random, true).await;
}

/// Sends a random number of bytes and receives all that the other end sends, at the same time.
async fn exchange(stream: TcpStream, mut random: Random, eager: bool) {
    let total = [0, 1, 500, 20_000][random.below(4)] + random.below(3000);
    let (mut into, mut out) = stream.into_split();
    let mut sizes = Random(random.next());
    let send = async {
        let mut at = 0;
        while at < total {
            let len = (1 + sizes.below(4000)).min(total - at);
            out.write_all(pattern(at, len)).await.0.unwrap();
            at += len;
            if sizes.below(3) == 0 {
                yield_now().await;
            }
        }
        out.shutdown(Shutdown::Write).await.unwrap();
    };
    let receive = async {
        let mut at = 0;
        loop {
            let chunk = into.recv().await.unwrap();
            if chunk.is_empty() {
                return at;
            }
            assert_pattern(at, &chunk);
            at += chunk.len();
        }
    };
    if eager || random.below(2) == 0 {
        join(send, receive).await;
    } else {
        // Answers only when the other end has said all.
        receive.await;
        send.await;
    }
}
