//! Addresses, and names for them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::runtime::lookup;

/// What can be connected or bound to. Names are looked up on other threads, never with a
/// blocking call on the loop.
///
/// It is implemented for `SocketAddr`, an IP address with a port, `"host:port"` as `&str` or
/// `String`, and `(host, port)`.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// use ringio::net::TcpListener;
/// use std::net::Ipv4Addr;
/// TcpListener::bind("127.0.0.1:0").await?;
/// TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub trait ToAddrs: sealed::Resolve {}

pub(crate) mod sealed {
    use std::io;
    use std::net::SocketAddr;

    /// What is to be done to know the addresses.
    #[derive(Debug)]
    pub enum Resolved {
        Known(SocketAddr),
        Name(String, u16),
    }

    pub trait Resolve {
        fn resolve(self) -> io::Result<Resolved>;
    }
}

use sealed::{Resolve, Resolved};

/// All addresses of `address`, in the resolver's order; never none.
pub(crate) async fn resolve(address: impl ToAddrs) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = match address.resolve()? {
        Resolved::Known(address) => return Ok(vec![address]),
        Resolved::Name(host, port) => (host, port),
    };
    let addresses = lookup(host.clone(), port)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("looking up {host}: {error}")))?;
    if addresses.is_empty() {
        let message = format!("looking up {host}: it has no address");
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    Ok(addresses)
}

/// Looks up the addresses of a host; `address` is as for [`TcpStream::connect`](super::TcpStream).
///
/// # Errors
/// When the name does not resolve, or `address` lacks a port.
///
/// # Cancel safety
/// A dropped look-up runs on in its thread, and its answer is thrown away.
///
/// # Examples
/// ```
/// # ringio::run(async {
/// let addresses = ringio::net::lookup_host("localhost:80").await.unwrap();
/// assert!(addresses.iter().all(|address| address.ip().is_loopback()));
/// # });
/// ```
#[doc(alias = "getaddrinfo")]
pub async fn lookup_host(address: impl ToAddrs) -> io::Result<Vec<SocketAddr>> {
    resolve(address).await
}

/// Implements [`ToAddrs`] by turning a value into what is to be resolved.
macro_rules! to_addrs {
    ($($type:ty => |$value:ident| $resolved:expr),* $(,)?) => { $(
        impl ToAddrs for $type {}
        impl Resolve for $type {
            fn resolve(self) -> io::Result<Resolved> {
                let $value = self;
                $resolved
            }
        }
    )* };
}

to_addrs! {
    SocketAddr => |address| Ok(Resolved::Known(address)),
    (IpAddr, u16) => |address| Ok(Resolved::Known(address.into())),
    (Ipv4Addr, u16) => |address| Ok(Resolved::Known(address.into())),
    (Ipv6Addr, u16) => |address| Ok(Resolved::Known(address.into())),
    &str => |text| parse(text),
    String => |text| parse(&text),
    &String => |text| parse(text),
    (&str, u16) => |pair| Ok(host(pair.0, pair.1)),
    (String, u16) => |pair| Ok(host(&pair.0, pair.1)),
}

fn host(name: &str, port: u16) -> Resolved {
    match name.parse::<IpAddr>() {
        Ok(ip) => Resolved::Known((ip, port).into()),
        Err(_) => Resolved::Name(name.to_owned(), port),
    }
}

fn parse(text: &str) -> io::Result<Resolved> {
    if let Ok(address) = text.parse() {
        return Ok(Resolved::Known(address));
    }
    let parts = text.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    match parts {
        Some((name, port)) if !name.is_empty() => Ok(host(name, port)),
        _ => {
            let message = format!("\"{text}\" is no address: it must be \"host:port\"");
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }
}
