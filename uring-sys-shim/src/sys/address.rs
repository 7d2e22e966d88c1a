//! [`Address`]: a socket address in the kernel's form.
//!
//! # Safety
//! The storage is zeroed or holds what the kernel or a constructor wrote; every family's structure
//! is made of integers, is no larger than the storage, and needs no greater alignment.
#![allow(unsafe_code, reason = "sockaddr_storage is viewed as the family's structure")]

use std::fmt;
use std::mem::{MaybeUninit, offset_of};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ptr::from_ref;

/// A socket address of any family, to pass to the kernel or got from it.
///
/// ```
/// use std::net::SocketAddr;
/// use uring_sys_shim::sys::Address;
///
/// let local: SocketAddr = "127.0.0.1:80".parse().unwrap();
/// assert_eq!(Address::from(local).inet(), Some(local));
/// ```
#[derive(Clone, Copy)]
pub struct Address {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Address {
    /// The largest address, in bytes.
    pub const CAPACITY: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;

    /// Unspecified, with room for every family: to be written through [`Address::as_mut_ptr`].
    pub fn empty() -> Address {
        // SAFETY: sockaddr_storage is made of integers, for which zero is a value.
        let storage = unsafe { MaybeUninit::zeroed().assume_init() };
        Address { storage, len: 0 }
    }

    /// A Unix socket's address: a path, or with a first byte of 0 a name in the abstract space.
    ///
    /// `None` if it is longer than the 107 bytes (abstract: 108) that the kernel allows, or a path
    /// with a 0 in it.
    pub fn unix(path: &[u8]) -> Option<Address> {
        const PATH: usize = offset_of!(libc::sockaddr_un, sun_path);
        let is_abstract = path.first() == Some(&0);
        let terminator = usize::from(!is_abstract && !path.is_empty());
        if !is_abstract && path.contains(&0) {
            return None;
        }
        let len = PATH + path.len() + terminator;
        if len > size_of::<libc::sockaddr_un>() {
            return None;
        }
        let mut address = Address::empty();
        address.storage.ss_family = libc::AF_UNIX as libc::sa_family_t;
        let start = address.as_mut_ptr().cast::<u8>().wrapping_add(PATH);
        // SAFETY: the length was checked against the structure's, which is within the storage; the
        // two do not overlap.
        unsafe { start.copy_from_nonoverlapping(path.as_ptr(), path.len()) };
        address.len = len as libc::socklen_t;
        Some(address)
    }

    /// Where the kernel reads it; valid while the address neither moves nor is dropped.
    pub fn as_ptr(&self) -> *const libc::sockaddr {
        from_ref(&self.storage).cast()
    }

    /// Where the kernel may write up to [`Address::CAPACITY`] bytes; then call
    /// [`Address::set_len`].
    pub fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    /// Where the kernel may write an address of any length, and where it finds the room for it and
    /// leaves its length. Both are valid while the address neither moves nor is dropped.
    pub fn as_mut_ptrs(&mut self) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        self.len = Address::CAPACITY;
        ((&raw mut self.storage).cast(), &raw mut self.len)
    }

    /// Its length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "the length of a structure, not of a sequence")]
    pub fn len(&self) -> libc::socklen_t {
        self.len
    }

    /// Sets the length, which is cut to what there is room for.
    pub fn set_len(&mut self, len: libc::socklen_t) {
        self.len = len.min(Address::CAPACITY);
    }

    /// `AF_*`.
    pub fn family(&self) -> i32 {
        i32::from(self.storage.ss_family)
    }

    /// As an internet address, if it is one.
    pub fn inet(&self) -> Option<SocketAddr> {
        match self.family() {
            libc::AF_INET if self.holds::<libc::sockaddr_in>() => {
                // SAFETY: long enough, aligned (storage has the greatest), and made of integers.
                let v4 = unsafe { &*self.as_ptr().cast::<libc::sockaddr_in>() };
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 if self.holds::<libc::sockaddr_in6>() => {
                // SAFETY: long enough, aligned (storage has the greatest), and made of integers.
                let v6 = unsafe { &*self.as_ptr().cast::<libc::sockaddr_in6>() };
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
            }
            _ => None,
        }
    }

    fn holds<T>(&self) -> bool {
        self.len as usize >= size_of::<T>()
    }
}

impl From<SocketAddr> for Address {
    fn from(from: SocketAddr) -> Address {
        let mut address = Address::empty();
        match from {
            SocketAddr::V4(v4) => {
                address.len = size_of::<libc::sockaddr_in>() as libc::socklen_t;
                let to = address.as_mut_ptr().cast::<libc::sockaddr_in>();
                // SAFETY: within the storage, aligned, and nothing else refers to it.
                let to = unsafe { &mut *to };
                to.sin_family = libc::AF_INET as libc::sa_family_t;
                to.sin_port = v4.port().to_be();
                to.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            }
            SocketAddr::V6(v6) => {
                address.len = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
                let to = address.as_mut_ptr().cast::<libc::sockaddr_in6>();
                // SAFETY: within the storage, aligned, and nothing else refers to it.
                let to = unsafe { &mut *to };
                to.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                to.sin6_port = v6.port().to_be();
                to.sin6_flowinfo = v6.flowinfo();
                to.sin6_addr.s6_addr = v6.ip().octets();
                to.sin6_scope_id = v6.scope_id();
            }
        }
        address
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inet() {
            Some(inet) => write!(f, "Address({inet})"),
            None => write!(f, "Address(family {}, {} bytes)", self.family(), self.len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internet_addresses_survive_the_way_there_and_back() {
        let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 443, 7, 3);
        for text in ["1.2.3.4:5", "255.0.0.1:65535", "[2001:db8::1]:80"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(Address::from(address).inet(), Some(address));
        }
        assert_eq!(Address::from(SocketAddr::V6(scoped)).inet(), Some(scoped.into()));
        assert_eq!(Address::empty().inet(), None);
    }

    #[test]
    fn a_truncated_address_is_not_read() {
        let mut address = Address::from(SocketAddr::from(([127, 0, 0, 1], 80)));
        address.set_len(4);
        assert_eq!(address.inet(), None);
    }

    #[test]
    fn unix_paths_are_bounded_and_terminated() {
        assert_eq!(Address::unix(b"/tmp/x").unwrap().len(), 2 + 6 + 1);
        assert_eq!(Address::unix(b"\0name").unwrap().len(), 2 + 5);
        assert_eq!(Address::unix(&[b'a'; 107]).unwrap().len(), 110);
        assert!(Address::unix(&[b'a'; 108]).is_none());
        assert!(Address::unix(b"a\0b").is_none());
        assert!(Address::unix(&[0; 108]).is_some() && Address::unix(&[0; 109]).is_none());
    }
}
