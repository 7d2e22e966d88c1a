//! [`Caps`]: what a ring can do beyond the floor, Linux 6.1.

use std::{env, io};

use bitflags::bitflags;

bitflags! {
    /// Abilities of the kernel that a ring found and may use.
    ///
    /// A ring that exists at all has those of Linux 6.1: `SINGLE_ISSUER`, `DEFER_TASKRUN`, buffer
    /// groups, multishot accept and receive, cancel by key, waiting with a time limit.
    ///
    /// ```
    /// use uring_sys_shim::Caps;
    ///
    /// let debian_12 = Caps::tier("6.1").unwrap();
    /// assert!(!debian_12.contains(Caps::INCREMENTAL));
    /// assert!(Caps::tier("6.18").unwrap().contains(debian_12 | Caps::INCREMENTAL));
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Caps: u32 {
        /// A refused SQE does not stop the ones behind it (5.18).
        const SUBMIT_ALL = 1 << 0;
        /// A ring can post a completion to another ring (5.18).
        const MSG_RING = 1 << 1;
        /// The submission queue does without its index array (6.6).
        const NO_SQARRAY = 1 << 2;
        /// `setsockopt` as an operation (6.7).
        const SOCKET_OPTION = 1 << 3;
        /// Multishot read, for pipes and eventfds (6.7).
        const READ_MULTISHOT = 1 << 4;
        /// `waitid` as an operation (6.7).
        const WAITID = 1 << 5;
        /// `ftruncate` as an operation (6.9).
        const FTRUNCATE = 1 << 6;
        /// Send and receive with several buffers of a group at once (6.10).
        const BUNDLE = 1 << 7;
        /// Accept that says `EAGAIN` instead of parking (6.10).
        const ACCEPT_DONTWAIT = 1 << 8;
        /// `bind` and `listen` as operations (6.11).
        const RING_BIND_LISTEN = 1 << 9;
        /// Groups whose buffers are consumed piece by piece (`IOU_PBUF_RING_INC`, 6.12).
        const INCREMENTAL = 1 << 10;
        /// Waiting that gathers completions for a minimal time (6.12).
        const MIN_WAIT = 1 << 11;
        /// Waiting until a point of `CLOCK_MONOTONIC` (6.12).
        const ABS_TIMER = 1 << 12;
        /// Waiting that does not count as waiting for a disk (6.15).
        const NO_IOWAIT = 1 << 13;
        /// `pipe2` as an operation (6.16).
        const PIPE = 1 << 14;
        /// Multishot receive with a limit for each completion and for all together (6.17).
        const RECV_CAPS = 1 << 15;
        /// A send that takes an array of slices (`IORING_SEND_VECTORIZED`, 6.17).
        const SEND_VECTORIZED = 1 << 16;
        /// The kernel can be asked for its abilities without a ring (6.18).
        const QUERY = 1 << 17;
    }
}

impl Caps {
    /// The environment variable that limits what rings use: one of [`Caps::TIERS`].
    pub const VARIABLE: &'static str = "RINGIO_CAPS";

    /// The tiers' names: the kernels of Debian 12, Ubuntu 24.04, Debian 13, and the newest one
    /// whose abilities ringio uses.
    pub const TIERS: [&'static str; 4] = ["6.1", "6.8", "6.12", "6.18"];

    /// All that a kernel of this tier has.
    pub fn tier(name: &str) -> Option<Caps> {
        let debian_12 = Caps::SUBMIT_ALL | Caps::MSG_RING;
        let ubuntu_24 = debian_12
            | Caps::NO_SQARRAY
            | Caps::SOCKET_OPTION
            | Caps::READ_MULTISHOT
            | Caps::WAITID;
        let debian_13 = ubuntu_24
            | Caps::FTRUNCATE
            | Caps::BUNDLE
            | Caps::ACCEPT_DONTWAIT
            | Caps::RING_BIND_LISTEN
            | Caps::INCREMENTAL
            | Caps::MIN_WAIT
            | Caps::ABS_TIMER;
        match name {
            "6.1" => Some(debian_12),
            "6.8" => Some(ubuntu_24),
            "6.12" => Some(debian_13),
            "6.18" => Some(Caps::all()),
            _ => None,
        }
    }

    /// What `RINGIO_CAPS` lets a ring use; everything where it is not set.
    pub(crate) fn allowed() -> io::Result<Caps> {
        let Some(value) = env::var_os(Caps::VARIABLE) else {
            return Ok(Caps::all());
        };
        value.to_str().and_then(Caps::tier).ok_or_else(|| {
            let (variable, tiers) = (Caps::VARIABLE, Caps::TIERS.join(", "));
            let message = format!("{variable} is {value:?}, but must be one of {tiers}, or unset");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tier_holds_the_one_below() {
        let tiers = Caps::TIERS.map(|name| Caps::tier(name).unwrap());
        for pair in tiers.windows(2) {
            assert!(pair[1].contains(pair[0]) && pair[1] != pair[0], "{pair:?}");
        }
        assert_eq!(Caps::tier("6.2"), None);
    }
}
