//! The servers on ringio.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::stream::copy_bidirectional;
use ringio::{RemoteHandle, Runner, spawn, stats};

use crate::control::{self, Count};
use crate::row::Contestant;

use super::{BACKLOG, Serve, Service};

pub(super) fn run(serve: &Serve) -> io::Result<()> {
    let builder = Runner::builder();
    let builder = match serve.on {
        Contestant::Parking => builder.spin(Duration::ZERO),
        _ => builder,
    };
    builder.build()?.run(accept(serve)).map_err(|error| io::Error::other(error.to_string()))?
}

async fn accept(serve: &Serve) -> io::Result<()> {
    let local = (Ipv4Addr::LOCALHOST, 0);
    // Accepted sockets inherit `TCP_NODELAY` from the listener.
    let listener = TcpListener::builder().nodelay(true).backlog(BACKLOG).bind(local).await?;
    let handle = RemoteHandle::current();
    control::answer(move |tell| {
        let report = move || {
            // The asking thread waits for it.
            let _ = tell.try_send(Count::now(Some(stats().enters)));
        };
        // After its end the loop has nothing to report.
        let _ = handle.call(report);
    });
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        match serve.service {
            Service::Echo => drop(spawn(echo(stream))),
            Service::Once => drop(spawn(once(stream))),
            Service::Proxy => drop(spawn(forward(stream, serve.upstream()?))),
        }
    }
}

// How a connection ends is its client's affair.

async fn echo(mut stream: TcpStream) {
    loop {
        // What is awaited in a condition lies in the future until the body has ended.
        let Ok(chunk) = stream.recv().await else { return };
        if chunk.is_empty() || stream.write_all(chunk).await.0.is_err() {
            return;
        }
    }
}

async fn once(mut stream: TcpStream) {
    let Ok(chunk) = stream.recv().await else { return };
    let _ = stream.write_all(chunk).await.0;
}

async fn forward(mut client: TcpStream, upstream: SocketAddr) {
    if let Ok(mut upstream) = TcpStream::builder().nodelay(true).connect(upstream).await {
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
    }
}
