//! The examples themselves, on the simulated kernel.

use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::spawn;
use ringio::testing::sim::Faults;

use crate::open::Open;
use crate::proxy::Proxy;
use crate::seeds::seeds;
use crate::support::{Random, assert_pattern, pattern};

#[expect(dead_code, reason = "its demonstration is run, its command line is not")]
#[path = "../../examples/echo.rs"]
mod echo;

#[test]
fn the_echo_example_echoes() {
    seeds("the example echo", 100, Faults::unkind, |run| {
        run.run(echo::demonstrate()).unwrap();
        // The test harness keeps what it prints.
        run.forgets = true;
    });
}

#[test]
fn the_proxy_example_forwards() {
    seeds("the example proxy", 1000, Faults::unkind, |run| {
        let mut random = Random(run.random.next());
        run.run(async {
            let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let proxy =
                Proxy { upstream: upstream.local_addr().unwrap(), drain: Duration::from_secs(1) };
            let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = front.local_addr().unwrap();
            spawn(async move {
                while let Ok((stream, _)) = upstream.accept().await {
                    drop(spawn(echo::echo(stream)));
                }
            });
            spawn(async move { proxy.accept(&front, &Open::default()).await });
            let clients: Vec<_> = (0..1 + random.below(4))
                .map(|_| spawn(client(address, Random(random.next()))))
                .collect();
            for client in clients {
                client.await.unwrap();
            }
        });
    });
}

async fn client(address: std::net::SocketAddr, mut random: Random) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut at = 0;
    for _ in 0..random.below(8) {
        let len = 1 + random.below(2000);
        stream.write_all(pattern(at, len)).await.0.unwrap();
        let (result, bytes) = stream.read_exact(Vec::with_capacity(len)).await;
        result.unwrap();
        assert_pattern(at, &bytes);
        at += len;
    }
    stream.close().await.unwrap();
}
