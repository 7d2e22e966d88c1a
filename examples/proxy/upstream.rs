//! The echo server behind the contestants: the same one, and on tokio, for both.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::machine;

const BUFFER_BYTES: usize = 64 * 1024;

/// Echoes until the process is ended.
pub(crate) fn run(listen: SocketAddr, cpus: &[usize]) -> io::Result<()> {
    machine::serve_on_each(listen, cpus, accept)
}

async fn accept(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(echo(stream));
            }
            Err(error) => eprintln!("upstream: accept: {error}"),
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            received => stream.write_all(&buffer[..received]).await?,
        }
    }
}
