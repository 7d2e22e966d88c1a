//! [`Setup`]: what a ring should be like, and the ladder on which the kernel is asked for it.

use std::io;
use std::thread;
use std::time::Duration;

use io_uring::IoUring;

use crate::caps::Caps;
use crate::error;

/// Below this many entries a ring is no smaller in memory: two pages.
const SMALLEST: u32 = 64;
/// Locked memory of rings that were just closed comes back after about 24 ms; this many pauses of
/// [`PAUSE`] are 50 ms.
const PAUSES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);
/// The kernel's own limit, `IORING_MAX_CQ_ENTRIES`.
const MOST_COMPLETIONS: u32 = 65_536;

/// The size of a ring.
///
/// ```
/// use uring_sys_shim::Setup;
///
/// let setup = Setup::default();
/// assert_eq!((setup.entries, setup.cq_entries), (256, 2048));
/// assert_eq!(Setup::with_entries(32_768).cq_entries, 65_536);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Places of the submission queue; rounded up to a power of two, at most 32,768.
    pub entries: u32,
    /// Places of the completion queue; rounded up to a power of two, at most 65,536. One that
    /// overflows loses nothing but ends multishot operations, so it is better generous.
    pub cq_entries: u32,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup::with_entries(256)
    }
}

impl Setup {
    /// A completion queue of eight times `entries`, as far as the kernel allows.
    pub fn with_entries(entries: u32) -> Setup {
        Setup { entries, cq_entries: entries.saturating_mul(8).min(MOST_COMPLETIONS) }
    }

    /// The bytes that count against `RLIMIT_MEMLOCK`, for users without `CAP_IPC_LOCK`.
    ///
    /// ```
    /// use uring_sys_shim::Setup;
    ///
    /// assert!(Setup::default().locked_bytes() <= 64 * 1024);
    /// ```
    pub fn locked_bytes(&self) -> u64 {
        const PAGE: u64 = 4096;
        let sq = u64::from(self.entries.next_power_of_two());
        let cq = u64::from(self.cq_entries.next_power_of_two());
        (64 * sq).next_multiple_of(PAGE) + (64 + 16 * cq + 4 * sq).next_multiple_of(PAGE)
    }

    /// Half the ring, if that is any smaller in memory.
    fn halved(&self) -> Option<Setup> {
        let (entries, cq_entries) = (self.entries / 2, self.cq_entries / 2);
        (entries >= SMALLEST).then_some(Setup { entries, cq_entries })
    }

    /// Makes a ring of this size or, where memory is short, a smaller one. The capabilities are
    /// those that set-up alone decides.
    pub(crate) fn negotiate(mut self, allowed: Caps) -> io::Result<(IoUring, Caps)> {
        let mut pauses = 0;
        loop {
            let error = match self.newest_first(allowed) {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            if error.raw_os_error() != Some(libc::ENOMEM) {
                return Err(error::explain(error, &self));
            }
            match self.halved() {
                Some(half) => self = half,
                None if pauses < PAUSES => {
                    pauses += 1;
                    thread::sleep(PAUSE);
                }
                None => return Err(error::explain(error, &self)),
            }
        }
    }

    /// One attempt at each rung of the ladder.
    fn newest_first(&self, allowed: Caps) -> io::Result<(IoUring, Caps)> {
        if allowed.contains(Caps::NO_SQARRAY) {
            match self.build(true) {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                made => return made.map(|ring| (ring, Caps::SUBMIT_ALL | Caps::NO_SQARRAY)),
            }
        }
        self.build(false).map(|ring| (ring, Caps::SUBMIT_ALL))
    }

    fn build(&self, no_sqarray: bool) -> io::Result<IoUring> {
        let mut builder = IoUring::builder();
        builder
            .dontfork()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_clamp()
            .setup_cqsize(self.cq_entries.max(self.entries));
        if no_sqarray {
            builder.setup_no_sqarray();
        }
        builder.build(self.entries.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_bytes_are_what_was_measured_on_linux() {
        let of = |entries| Setup { entries, cq_entries: 2 * entries }.locked_bytes() / 1024;
        assert_eq!([of(64), of(256), of(1024), of(4096)], [8, 28, 104, 404]);
    }

    #[test]
    fn halving_ends_at_the_smallest_ring() {
        let mut setup = Setup::with_entries(1024);
        let mut sizes = vec![setup.entries];
        while let Some(half) = setup.halved() {
            setup = half;
            sizes.push(setup.entries);
        }
        assert_eq!(sizes, [1024, 512, 256, 128, 64]);
    }
}
