//! The proxy: one loop per core, each with its own listener on the same port.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use ringio::net::{TcpListener, TcpStream};
use ringio::stream::copy_bidirectional;
use ringio::time::sleep;
use ringio::{Core, Cores, CoresError, signal, spawn, timeout};

use crate::machine;
use crate::open::Open;

/// Connections that the kernel keeps ready for `accept`.
pub(crate) const BACKLOG: u32 = 4096;
/// An upstream that does not answer within this time is dead.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Out of descriptors, say: some connections have to end before the next can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where clients are forwarded to, and how this ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proxy {
    pub(crate) upstream: SocketAddr,
    /// How long open connections may go on after Ctrl-C.
    pub(crate) drain: Duration,
}

impl Proxy {
    /// Serves until Ctrl-C. Says `listening on ADDR` once every core does.
    pub(crate) fn run(self, listen: SocketAddr, cores: Cores) -> io::Result<()> {
        let port = machine::reserve(listen)?;
        let listening = AtomicUsize::new(0);
        cores
            .run(|core| {
                let (address, listening) = (port.address, &listening);
                async move {
                    let served = self.serve(&core, address, listening).await;
                    // A core that cannot serve must not leave the others behind: a panic ends all.
                    served.unwrap_or_else(|error| panic!("core {}: {error}", core.index()));
                }
            })
            .map(drop)
            .map_err(|error| match error {
                CoresError::Start(error) => error,
                other => io::Error::other(format!("a core failed: {other:?}")),
            })
    }

    async fn serve(self, core: &Core, at: SocketAddr, listening: &AtomicUsize) -> io::Result<()> {
        let listener =
            TcpListener::builder().reuse_port(true).nodelay(true).backlog(BACKLOG).bind(at).await?;
        let interrupted = signal::ctrl_c();
        if listening.fetch_add(1, Ordering::Relaxed) + 1 == core.count() {
            println!("listening on {at}");
        }
        let open = Open::default();
        if let Either::Right((heard, _)) =
            select(pin!(self.accept(&listener, &open)), interrupted).await
        {
            heard?;
        }
        listener.close().await?;
        self.finish(core.index(), &open).await
    }

    pub(crate) async fn accept(self, listener: &TcpListener, open: &Open) {
        loop {
            match listener.accept().await {
                Ok((client, from)) => {
                    open.add(spawn(forward(client, from, self.upstream)));
                }
                Err(error) => {
                    eprintln!("accept: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Waits for the open connections to end. What is left dies with the loop.
    async fn finish(self, core: usize, open: &Open) -> io::Result<()> {
        let again = signal::ctrl_c();
        let count = open.count();
        eprintln!("core {core}: no longer accepting; open connections: {count}");
        let ended = pin!(open.all_ended());
        let drained = timeout(self.drain, select(ended, again)).await;
        if let Ok(Either::Right((again, _))) = drained {
            again?;
        }
        eprintln!("core {core}: ended; connections cut off: {}", open.count());
        Ok(())
    }
}

async fn forward(mut client: TcpStream, from: SocketAddr, to: SocketAddr) {
    let connecting = TcpStream::builder().nodelay(true).connect(to);
    let connected = timeout(CONNECT_LIMIT, connecting).await;
    let mut upstream = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(upstream) => upstream,
        Err(error) => return eprintln!("upstream {to}: {error}; client {from} dropped"),
    };
    if let Err(error) = copy_bidirectional(&mut client, &mut upstream).await
        && !is_hang_up(&error)
    {
        eprintln!("client {from}: {error}");
    }
}

/// Peers that end a connection the hard way are no news.
fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}
