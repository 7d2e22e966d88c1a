//! Socket calls.
//!
//! # Safety
//! Each pointer is made from a reference or slice that outlives the call, with its own length.
#![allow(unsafe_code, reason = "system calls")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use super::{Address, instead};

/// Makes a socket, close-on-exec; `kind` is `SOCK_*` with its flags.
///
/// ```
/// use std::net::SocketAddr;
/// use std::os::fd::AsRawFd;
/// use uring_sys_shim::sys::{self, Address};
///
/// let socket = sys::socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
/// let any = Address::from(SocketAddr::from(([127, 0, 0, 1], 0)));
/// sys::bind(socket.as_raw_fd(), &any)?;
/// sys::listen(socket.as_raw_fd(), 16)?;
/// let local = sys::getsockname(socket.as_raw_fd())?.inet().unwrap();
/// assert_ne!(local.port(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What socket(2) says.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: no memory is involved.
    let fd = Errno::result(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: just made, and known to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Binds a socket to an address.
///
/// # Errors
/// What bind(2) says: `EADDRINUSE`, `EACCES`, …
pub fn bind(fd: RawFd, address: &Address) -> io::Result<()> {
    if let Some(answer) = instead::bind(fd, address) {
        return answer;
    }
    // SAFETY: the address is that long and outlives the call.
    Errno::result(unsafe { libc::bind(fd, address.as_ptr(), address.len()) })?;
    Ok(())
}

/// Makes a socket listen.
///
/// # Errors
/// What listen(2) says: `EADDRINUSE`, …
pub fn listen(fd: RawFd, backlog: i32) -> io::Result<()> {
    if let Some(answer) = instead::listen(fd, backlog) {
        return answer;
    }
    // SAFETY: no memory is involved.
    Errno::result(unsafe { libc::listen(fd, backlog) })?;
    Ok(())
}

/// Shuts a connection down; `how` is `SHUT_*`.
///
/// # Errors
/// What shutdown(2) says: `ENOTCONN`, …
pub fn shutdown(fd: RawFd, how: i32) -> io::Result<()> {
    // SAFETY: no memory is involved.
    Errno::result(unsafe { libc::shutdown(fd, how) })?;
    Ok(())
}

/// The address a socket is bound to.
///
/// # Errors
/// What getsockname(2) says.
pub fn getsockname(fd: RawFd) -> io::Result<Address> {
    instead::getsockname(fd).unwrap_or_else(|| ask_address(fd, libc::getsockname))
}

/// The address a socket is connected to.
///
/// # Errors
/// What getpeername(2) says: `ENOTCONN`, …
pub fn getpeername(fd: RawFd) -> io::Result<Address> {
    instead::getpeername(fd).unwrap_or_else(|| ask_address(fd, libc::getpeername))
}

type AskAddress =
    unsafe extern "C" fn(RawFd, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

fn ask_address(fd: RawFd, ask: AskAddress) -> io::Result<Address> {
    let mut address = Address::empty();
    let mut len = Address::CAPACITY;
    // SAFETY: both calls write at most `len` bytes, for which there is room, and then the length.
    Errno::result(unsafe { ask(fd, address.as_mut_ptr(), &mut len) })?;
    address.set_len(len);
    Ok(address)
}

/// Sets a socket option to the bytes of `value`.
///
/// # Errors
/// What setsockopt(2) says: `ENOPROTOOPT`, `EINVAL`, …
pub fn setsockopt(fd: RawFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    if let Some(answer) = instead::setsockopt(fd, (level, name), value) {
        return answer;
    }
    let len = value.len() as libc::socklen_t;
    // SAFETY: the slice is that long and outlives the call.
    Errno::result(unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), len) })?;
    Ok(())
}

/// Gets a socket option into `value` and returns its length, at most the slice's.
///
/// # Errors
/// What getsockopt(2) says: `ENOPROTOOPT`, …
pub fn getsockopt(fd: RawFd, level: i32, name: i32, value: &mut [u8]) -> io::Result<usize> {
    let mut len = value.len() as libc::socklen_t;
    let to = value.as_mut_ptr().cast();
    // SAFETY: the slice has room for `len` bytes and outlives the call.
    Errno::result(unsafe { libc::getsockopt(fd, level, name, to, &mut len) })?;
    Ok(len as usize)
}

/// Sets a socket option that is an `int`.
///
/// # Errors
/// As for [`setsockopt`].
pub fn set_option(fd: RawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    setsockopt(fd, level, name, &value.to_ne_bytes())
}

/// Sets how many seconds close(2) goes on sending (`SO_LINGER`); `Some(0)` resets the connection.
///
/// # Errors
/// As for [`setsockopt`].
pub fn set_linger(fd: RawFd, seconds: Option<u16>) -> io::Result<()> {
    let linger = [i32::from(seconds.is_some()), i32::from(seconds.unwrap_or(0))];
    let value = linger.map(i32::to_ne_bytes);
    setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, value.as_flattened())
}

/// Gets a socket option that is an `int`.
///
/// # Errors
/// As for [`getsockopt`].
pub fn option(fd: RawFd, level: i32, name: i32) -> io::Result<i32> {
    let mut value = [0; 4];
    getsockopt(fd, level, name, &mut value)?;
    Ok(i32::from_ne_bytes(value))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn peers_know_each_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = getpeername(near.as_raw_fd()).unwrap().inet();
        assert_eq!(peer, Some(listener.local_addr().unwrap()));
        shutdown(near.as_raw_fd(), libc::SHUT_WR).unwrap();
        let unconnected = getpeername(listener.as_raw_fd()).unwrap_err();
        assert_eq!(unconnected.raw_os_error(), Some(libc::ENOTCONN));
    }

    #[test]
    fn options_are_set_and_got() {
        let fd = socket(libc::AF_INET, libc::SOCK_STREAM, 0).unwrap();
        let fd = fd.as_raw_fd();
        for value in [1, 0] {
            set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, value).unwrap();
            assert_eq!(option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY).unwrap(), value);
        }
        let unknown = option(fd, libc::SOL_SOCKET, 9999).unwrap_err();
        assert_eq!(unknown.raw_os_error(), Some(libc::ENOPROTOOPT));
    }

    #[test]
    fn a_taken_address_is_refused() {
        let taken = TcpListener::bind("[::1]:0").unwrap().local_addr();
        let taken = TcpListener::bind(taken.unwrap()).unwrap();
        let fd = socket(libc::AF_INET6, libc::SOCK_STREAM, 0).unwrap();
        let address: SocketAddr = taken.local_addr().unwrap();
        let refused = bind(fd.as_raw_fd(), &address.into()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }
}
