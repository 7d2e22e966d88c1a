//! An address that no other process uses.

use std::net::Ipv4Addr;

/// A loopback address of this process alone. On one that others use, a port that is free again may
/// be theirs a moment later, if only as the source of a connection.
pub(crate) fn own_host() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | (high & 63), middle, low)
}
