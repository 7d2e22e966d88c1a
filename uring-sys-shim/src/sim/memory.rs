//! [`Lent`]: memory that the program has handed to the simulated kernel.
//!
//! # Safety
//! `Lent` is made from an SQE or a provided buffer only, whose pusher answers for the memory until
//! its final completion; the simulated kernel touches it no longer. A driver that breaks its word
//! makes these functions touch freed memory: finding that is what they are for.
#![allow(unsafe_code, reason = "reads and writes what addresses in SQEs name")]

use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddr;

use crate::sys::Address;

/// What memory holds while the kernel owns it and has not written there.
const POISON: [u8; 4096] = [0xa5; 4096];

/// Bytes at an address of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lent {
    address: u64,
    len: usize,
}

impl Lent {
    /// # Safety
    /// `len` bytes at `address` are the kernel's, to read or to write as its users say, for as
    /// long as this value or a part of it is used.
    pub(super) unsafe fn new(address: u64, len: usize) -> Lent {
        Lent { address, len }
    }

    pub(super) fn len(self) -> usize {
        self.len
    }

    /// The part from byte `from` on, of at most `len` bytes.
    pub(super) fn part(self, from: usize, len: usize) -> Lent {
        let from = from.min(self.len);
        Lent { address: self.address + from as u64, len: len.min(self.len - from) }
    }

    pub(super) fn overlaps(self, other: Lent) -> bool {
        let end = |lent: Lent| lent.address + lent.len as u64;
        self.address < end(other) && other.address < end(self)
    }

    fn bytes(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: see the preface; the slice lives for the call of a method of this file.
        unsafe { std::slice::from_raw_parts(self.address as *const u8, self.len) }
    }

    pub(super) fn read(self) -> Vec<u8> {
        self.bytes().to_vec()
    }

    pub(super) fn write(self, bytes: &[u8]) {
        assert!(bytes.len() <= self.len, "the simulated kernel writes within what it was given");
        // SAFETY: see the preface; `bytes` is memory of the simulated kernel and elsewhere.
        unsafe { (self.address as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// Fills it, so that whoever writes there meanwhile, or frees it, is found out.
    pub(super) fn poison(self) {
        // SAFETY: see the preface.
        unsafe { (self.address as *mut u8).write_bytes(POISON[0], self.len) };
    }

    pub(super) fn is_poisoned(self) -> bool {
        self.bytes().chunks(POISON.len()).all(|part| part == &POISON[..part.len()])
    }

    pub(super) fn hash(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.bytes());
        hasher.finish()
    }

    /// As an array of `iovec`, the slices that it names.
    pub(super) fn slices(self) -> Vec<Lent> {
        let count = self.len / size_of::<libc::iovec>();
        let at = |index: usize| {
            let slice = (self.address as *const libc::iovec).wrapping_add(index);
            // SAFETY: see the preface; the program put `count` iovecs there.
            let slice = unsafe { slice.read_unaligned() };
            Lent { address: slice.iov_base as u64, len: slice.iov_len }
        };
        (0..count).map(at).collect()
    }

    /// As a `msghdr`, the slices that it names.
    pub(super) fn message(self) -> Vec<Lent> {
        assert_eq!(self.len, size_of::<libc::msghdr>());
        // SAFETY: see the preface; the program put a msghdr there.
        let message = unsafe { (self.address as *const libc::msghdr).read_unaligned() };
        let len = message.msg_iovlen * size_of::<libc::iovec>();
        Lent { address: message.msg_iov as u64, len }.slices()
    }

    /// As a length of something else.
    pub(super) fn as_length(self) -> usize {
        let bytes = self.bytes().try_into().expect("a socklen_t");
        libc::socklen_t::from_ne_bytes(bytes) as usize
    }

    /// Writes as much of an address as there is room for, and how long it is to `len`.
    pub(super) fn write_address(self, from: SocketAddr, len: Lent) {
        let address = Address::from(from);
        let bytes = Lent { address: address.as_ptr() as u64, len: address.len() as usize };
        self.write(bytes.part(0, self.len).bytes());
        len.write(&address.len().to_ne_bytes());
    }

    /// As a socket address.
    pub(super) fn socket_address(self) -> Address {
        let mut address = Address::empty();
        let len = self.len.min(Address::CAPACITY as usize);
        let to = Lent { address: address.as_mut_ptr() as u64, len };
        to.write(self.part(0, len).bytes());
        address.set_len(len as libc::socklen_t);
        address
    }
}
