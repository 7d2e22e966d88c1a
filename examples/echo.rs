//! An echo server: what comes in goes out again, without a copy in between.
//!
//! ```text
//! cargo run --release --example echo                             # a demonstration that ends by itself
//! cargo run --release --example echo -- --listen 127.0.0.1:7000  # a server, until Ctrl-C
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures_util::future::{Either, select, try_join_all};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ringio::net::{TcpListener, TcpStream};
use ringio::time::Instant;
use ringio::{signal, spawn, timeout};

#[path = "proxy/open.rs"]
mod open;
use open::Open;

/// Connections that the kernel keeps ready for `accept`.
const BACKLOG: u32 = 4096;
/// How long open connections may go on after Ctrl-C.
const DRAIN: Duration = Duration::from_secs(10);
/// Clients of the demonstration, and what each of them sends.
const CLIENTS: usize = 4;
const MESSAGES: usize = 250;
const MESSAGE_BYTES: usize = 1000;

/// An echo server on ringio; without arguments a demonstration that ends by itself.
#[derive(Debug, Parser)]
struct Args {
    /// Serve on this address until Ctrl-C.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Serve on this port of 127.0.0.1 and print nothing, for benchmarks.
    #[arg(long, conflicts_with = "listen")]
    port: Option<u16>,
    /// Accepted for benchmarks; the loop's own buffers need no hint.
    #[arg(long = "size", value_name = "BYTES")]
    _size: Option<usize>,
    /// Accepted for benchmarks, which call all servers alike; an echo has no upstream.
    #[arg(long = "backend", value_name = "PORT", hide = true)]
    _backend: Option<u16>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match (args.listen, args.port) {
        (Some(address), _) => ringio::run(serve_until_ctrl_c(address)),
        (None, Some(port)) => ringio::run(serve_quietly(port)),
        (None, None) => ringio::run(demonstrate()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends back what it receives until the client has no more to say.
pub(crate) async fn echo(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let chunk = stream.recv().await?;
        if chunk.is_empty() {
            return stream.close().await;
        }
        let (sent, _) = stream.write_all(chunk).await;
        sent?;
    }
}

/// One task per client, as long as the listener is there.
async fn serve(listener: &TcpListener, open: &Open) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => open.add(spawn(async move {
                // A client that has gone the hard way is no news.
                let _ = echo(stream).await;
            })),
            // Out of descriptors, say: the next call waits a little by itself.
            Err(error) => eprintln!("accept: {error}"),
        }
    }
}

/// Accepted sockets inherit `TCP_NODELAY` from the listener.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::builder().nodelay(true).backlog(BACKLOG).bind(address).await
}

async fn serve_until_ctrl_c(address: SocketAddr) -> io::Result<()> {
    let listener = listen(address).await?;
    let interrupted = signal::ctrl_c();
    println!("listening on {}", listener.local_addr()?);
    let open = Open::default();
    match select(pin!(serve(&listener, &open)), interrupted).await {
        Either::Left((never, _)) => never,
        Either::Right((heard, _)) => heard?,
    }
    listener.close().await?;
    eprintln!("no longer accepting; open connections: {}", open.count());
    // What has not ended then dies with the loop.
    let _ = timeout(DRAIN, open.all_ended()).await;
    Ok(())
}

async fn serve_quietly(port: u16) -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    serve(&listen((Ipv4Addr::LOCALHOST, port).into()).await?, &Open::default()).await
}

/// A server and its clients, as tasks of one loop.
pub(crate) async fn demonstrate() -> io::Result<()> {
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let address = listener.local_addr()?;
    spawn(async move { serve(&listener, &Open::default()).await });

    let began = Instant::now();
    try_join_all((0..CLIENTS).map(|number| client(address, number))).await?;
    let micros = began.elapsed().as_micros();
    println!("{CLIENTS} clients, {MESSAGES} messages each, all echoed intact in {micros} µs");
    Ok(())
}

/// Sends one message after the other and checks each that comes back.
async fn client(address: SocketAddr, number: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    for message in 0..MESSAGES {
        let bytes = vec![(number * MESSAGES + message) as u8; MESSAGE_BYTES];
        let (written, bytes) = stream.write_all(bytes).await;
        written?;
        let mut echoed = Vec::with_capacity(bytes.len());
        while echoed.len() < bytes.len() {
            let chunk = stream.recv().await?;
            if chunk.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            echoed.extend_from_slice(&chunk);
        }
        if echoed != bytes {
            return Err(io::Error::other(format!(
                "client {number}: message {message} was garbled"
            )));
        }
    }
    stream.close().await
}
