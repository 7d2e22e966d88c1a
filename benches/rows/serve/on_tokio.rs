//! The servers on tokio's current-thread runtime.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, LocalOptions};
use tokio::task::spawn_local;

use crate::control::{self, Count};

use super::{Serve, Service, listen};

/// A buffer of an echo server has room for a message, between these.
const LEAST: usize = 4 * 1024;
const MOST: usize = 64 * 1024;
/// Messages up to the default size of `copy_bidirectional`'s buffers are left to it.
const DEFAULT_COPY: usize = 8 * 1024;

pub(super) fn run(serve: &Serve) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(accept(serve))
}

async fn accept(serve: &Serve) -> io::Result<()> {
    let listener = TcpListener::from_std(listen()?.into())?;
    let handle = Handle::current();
    control::answer(move |tell| {
        handle.spawn(async move {
            // The asking thread waits for it.
            let _ = tell.try_send(Count::now(None));
        });
    });
    println!("{}", listener.local_addr()?);
    // How a connection ends is its client's affair.
    loop {
        let (stream, _) = listener.accept().await?;
        match serve.service {
            Service::Echo => drop(spawn_local(echo(stream, serve.bytes))),
            Service::Once => drop(spawn_local(once(stream, serve.bytes))),
            Service::Proxy => drop(spawn_local(forward(stream, serve.upstream()?, serve.bytes))),
        }
    }
}

async fn echo(mut stream: TcpStream, bytes: usize) -> io::Result<()> {
    let mut buffer = vec![0; bytes.clamp(LEAST, MOST)];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            received => stream.write_all(&buffer[..received]).await?,
        }
    }
}

async fn once(mut stream: TcpStream, bytes: usize) -> io::Result<()> {
    let mut buffer = vec![0; bytes.clamp(LEAST, MOST)];
    let received = stream.read(&mut buffer).await?;
    stream.write_all(&buffer[..received]).await
}

async fn forward(mut client: TcpStream, upstream: SocketAddr, bytes: usize) -> io::Result<()> {
    let mut upstream = TcpStream::connect(upstream).await?;
    upstream.set_nodelay(true)?;
    if bytes <= DEFAULT_COPY {
        copy_bidirectional(&mut client, &mut upstream).await?;
    } else {
        copy_bidirectional_with_sizes(&mut client, &mut upstream, MOST, MOST).await?;
    }
    Ok(())
}
