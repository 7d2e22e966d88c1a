//! [`Cqe`]: what the kernel says about an operation.

use std::io;

use io_uring::cqueue;

/// A completion queue entry.
///
/// ```
/// use uring_sys_shim::Cqe;
///
/// let cqe = Cqe { user_data: 7, res: 512, flags: 3 << 16 | 1 | 2 };
/// assert_eq!(cqe.result().unwrap(), 512);
/// assert_eq!(cqe.buffer(), Some(3));
/// assert!(cqe.more());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cqe {
    /// The SQE's `user_data`.
    pub user_data: u64,
    /// The operation's result; an errno, negated, where it failed.
    pub res: i32,
    /// `IORING_CQE_F_*`, and a buffer's number in the upper 16 bits.
    pub flags: u32,
}

impl Cqe {
    /// Whether more completions with this `user_data` will follow (`F_MORE`).
    #[inline]
    pub fn more(&self) -> bool {
        cqueue::more(self.flags)
    }

    /// The buffer that the kernel picked from a group (`F_BUFFER`).
    #[inline]
    pub fn buffer(&self) -> Option<u16> {
        cqueue::buffer_select(self.flags)
    }

    /// Whether the kernel keeps the rest of that buffer for later completions (`F_BUF_MORE`; only
    /// in incremental groups).
    #[inline]
    pub fn buffer_more(&self) -> bool {
        cqueue::buffer_more(self.flags)
    }

    /// Whether the socket held more when this completion was made (`F_SOCK_NONEMPTY`). It is set
    /// at the end of a stream too.
    #[inline]
    pub fn sock_nonempty(&self) -> bool {
        cqueue::sock_nonempty(self.flags)
    }

    /// Whether this is a zero-copy send's second completion, which gives the buffer back
    /// (`F_NOTIF`).
    #[inline]
    pub fn notification(&self) -> bool {
        cqueue::notif(self.flags)
    }

    /// `res` as a result.
    ///
    /// # Errors
    /// The operation's errno.
    #[inline]
    pub fn result(&self) -> io::Result<u32> {
        if self.res >= 0 {
            return Ok(self.res as u32);
        }
        // A zero-copy notification may say i32::MIN, which has no negation.
        Err(io::Error::from_raw_os_error(self.res.wrapping_neg()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_result_is_an_error_and_no_panic() {
        let cqe = Cqe { user_data: 0, res: i32::MIN, flags: 0 };
        assert!(cqe.result().is_err());
    }

    #[test]
    fn each_flag_has_its_own_bit() {
        let with = |flags| Cqe { user_data: 0, res: 0, flags };
        assert_eq!(with(9 << 16).buffer(), None);
        assert_eq!(with(9 << 16 | 1).buffer(), Some(9));
        assert!(with(2).more() && !with(!2).more());
        assert!(with(4).sock_nonempty() && !with(!4).sock_nonempty());
        assert!(with(8).notification() && !with(!8).notification());
        assert!(with(16).buffer_more() && !with(!16).buffer_more());
    }
}
