//! The same proxy on tokio: a current-thread runtime per core, `SO_REUSEPORT`, and
//! `copy_bidirectional`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::machine;
use crate::proxy::CONNECT_LIMIT;

/// Large enough for the largest message: the default of 8 KiB would cost it more calls.
const BUFFER_BYTES: usize = 64 * 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the process is ended.
pub(crate) fn run(listen: SocketAddr, upstream: SocketAddr, cpus: &[usize]) -> io::Result<()> {
    machine::serve_on_each(listen, cpus, |listener| accept(listener, upstream))
}

async fn accept(listener: TcpListener, upstream: SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((client, from)) => {
                tokio::spawn(forward(client, from, upstream));
            }
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn forward(mut client: TcpStream, from: SocketAddr, to: SocketAddr) {
    let connected = timeout(CONNECT_LIMIT, connect(to)).await;
    let mut upstream = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(upstream) => upstream,
        Err(error) => return eprintln!("upstream {to}: {error}; client {from} dropped"),
    };
    // How a connection ends is the peers' affair.
    let _ =
        copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER_BYTES, BUFFER_BYTES).await;
}

async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
