//! Name look-ups, on threads of their own: getaddrinfo(3) blocks.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};

use crate::blocking::{Pool, ThreadJob};

/// Most look-ups at a time; others wait in line.
const THREADS: usize = 4;

static POOL: LazyLock<Arc<Pool>> = LazyLock::new(|| Pool::new("ringio-lookup", THREADS));

/// Resolves a host name. Dropped, a look-up that has begun runs on and its answer is dropped; the
/// end of a loop does not wait for it.
pub(crate) async fn lookup(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let resolve = move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
    ThreadJob::of_nobody(&POOL, resolve)
        .await
        .map_err(|error| io::Error::other(error.to_string()))?
}
