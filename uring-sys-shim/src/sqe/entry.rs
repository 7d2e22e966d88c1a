//! [`Sqe`]: `struct io_uring_sqe`, readable.

use std::fmt;
use std::os::fd::RawFd;

use io_uring::opcode;
use io_uring::squeue::Flags;

/// A submission queue entry, `struct io_uring_sqe` with every field readable.
///
/// ```
/// use uring_sys_shim::sqe;
///
/// let entry = sqe::close(5).user_data(7).link();
/// assert_eq!((entry.fd, entry.user_data), (5, 7));
/// assert_eq!(format!("{entry:?}"), "CLOSE { fd: 5, flags: IO_LINK, user_data: 0x7 }");
/// ```
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sqe {
    /// `IORING_OP_*`.
    pub opcode: u8,
    /// `IOSQE_*`.
    pub flags: u8,
    /// A priority, or the socket operations' own flags.
    pub ioprio: u16,
    /// The descriptor; for `SOCKET` the domain.
    pub fd: i32,
    /// An offset, `addr2`, or a command's number.
    pub off: u64,
    /// An address, or the `user_data` to cancel.
    pub addr: u64,
    /// A length in bytes, a count, or a small argument.
    pub len: u32,
    /// The operation's flags: `MSG_*`, `SOCK_*`, `POLL*`, …
    pub op_flags: u32,
    /// Comes back in each completion.
    pub user_data: u64,
    /// A registered buffer, or a group to pick a buffer from.
    pub buf_index: u16,
    /// Registered credentials; 0 for none.
    pub personality: u16,
    /// A slot of the registered files, `splice_fd_in`, or `optlen`.
    pub file_index: u32,
    /// A third address.
    pub addr3: u64,
    /// Unused by all operations here.
    pub pad: u64,
}

const _: () = assert!(size_of::<Sqe>() == size_of::<io_uring::squeue::Entry>());
const _: () = assert!(align_of::<Sqe>() == align_of::<io_uring::squeue::Entry>());

impl Sqe {
    pub(super) const fn new(opcode: u8, fd: RawFd) -> Sqe {
        Sqe {
            opcode,
            flags: 0,
            ioprio: 0,
            fd,
            off: 0,
            addr: 0,
            len: 0,
            op_flags: 0,
            user_data: 0,
            buf_index: 0,
            personality: 0,
            file_index: 0,
            addr3: 0,
            pad: 0,
        }
    }

    /// The entry as it lies in memory. Put together from the fields, for then one that is made to be
    /// queued is never anywhere but in the queue: a copy of the whole would make it first.
    #[inline]
    pub(crate) const fn words(&self) -> [u64; 8] {
        let [ioprio, buf_index, personality] = [
            self.ioprio.to_ne_bytes(),
            self.buf_index.to_ne_bytes(),
            self.personality.to_ne_bytes(),
        ];
        [
            halves([self.opcode, self.flags, ioprio[0], ioprio[1]], self.fd.to_ne_bytes()),
            self.off,
            self.addr,
            halves(self.len.to_ne_bytes(), self.op_flags.to_ne_bytes()),
            self.user_data,
            halves(
                [buf_index[0], buf_index[1], personality[0], personality[1]],
                self.file_index.to_ne_bytes(),
            ),
            self.addr3,
            self.pad,
        ]
    }

    /// Sets what comes back in each completion.
    #[inline]
    #[must_use]
    pub const fn user_data(mut self, user_data: u64) -> Sqe {
        self.user_data = user_data;
        self
    }

    /// Makes no completion if it succeeds.
    #[inline]
    #[must_use]
    pub const fn skip_success(self) -> Sqe {
        self.flag(Flags::SKIP_SUCCESS)
    }

    /// Starts the next SQE only when this one has succeeded in full; otherwise it ends with
    /// `ECANCELED`.
    #[inline]
    #[must_use]
    pub const fn link(self) -> Sqe {
        self.flag(Flags::IO_LINK)
    }

    /// Starts the next SQE when this one has ended, whatever its result.
    #[inline]
    #[must_use]
    pub const fn hardlink(self) -> Sqe {
        self.flag(Flags::IO_HARDLINK)
    }

    #[inline]
    pub(super) const fn flag(mut self, flag: Flags) -> Sqe {
        self.flags |= flag.bits();
        self
    }
}

/// A word of two halves, as they follow each other in memory.
#[inline]
const fn halves(first: [u8; 4], second: [u8; 4]) -> u64 {
    let [a, b, c, d] = first;
    let [e, f, g, h] = second;
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

impl fmt::Debug for Sqe {
    /// The operation's name and every field that is not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = match self.name() {
            Some(name) => f.debug_struct(name),
            None => f.debug_struct(&format!("OPCODE_{}", self.opcode)),
        };
        out.field("fd", &self.fd);
        if self.flags != 0 {
            let mut names = String::new();
            let flags = Flags::from_bits_retain(self.flags);
            bitflags::parser::to_writer(&flags, &mut names)?;
            out.field("flags", &format_args!("{names}"));
        }
        let numbers = [
            ("ioprio", u64::from(self.ioprio)),
            ("off", self.off),
            ("addr", self.addr),
            ("len", u64::from(self.len)),
            ("op_flags", u64::from(self.op_flags)),
            ("user_data", self.user_data),
            ("buf_index", u64::from(self.buf_index)),
            ("personality", u64::from(self.personality)),
            ("file_index", u64::from(self.file_index)),
            ("addr3", self.addr3),
            ("pad", self.pad),
        ];
        for (name, number) in numbers.into_iter().filter(|&(_, number)| number != 0) {
            out.field(name, &format_args!("{number:#x}"));
        }
        out.finish()
    }
}

impl Sqe {
    fn name(&self) -> Option<&'static str> {
        Some(match self.opcode {
            opcode::Nop::CODE => "NOP",
            opcode::Accept::CODE => "ACCEPT",
            opcode::Connect::CODE => "CONNECT",
            opcode::Recv::CODE => "RECV",
            opcode::Send::CODE => "SEND",
            opcode::SendMsg::CODE => "SENDMSG",
            opcode::RecvMsg::CODE => "RECVMSG",
            opcode::Socket::CODE => "SOCKET",
            opcode::Bind::CODE => "BIND",
            opcode::Listen::CODE => "LISTEN",
            opcode::UringCmd16::CODE => "URING_CMD",
            opcode::Shutdown::CODE => "SHUTDOWN",
            opcode::Close::CODE => "CLOSE",
            opcode::AsyncCancel::CODE => "ASYNC_CANCEL",
            opcode::PollAdd::CODE => "POLL_ADD",
            opcode::MsgRingData::CODE => "MSG_RING",
            opcode::Read::CODE => "READ",
            opcode::Write::CODE => "WRITE",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn words_are_what_lies_in_memory() {
        let sqe = Sqe {
            opcode: 1,
            flags: 2,
            ioprio: 0x0304,
            fd: 0x0506_0708,
            off: 0x0910_1112_1314_1516,
            addr: 0x1718_1920_2122_2324,
            len: 0x2526_2728,
            op_flags: 0x2930_3132,
            user_data: 0x3334_3536_3738_3940,
            buf_index: 0x4142,
            personality: 0x4344,
            file_index: 0x4546_4748,
            addr3: 0x4950_5152_5354_5556,
            pad: 0x5758_5960_6162_6364,
        };
        let memory: Vec<u8> = sqe.words().iter().flat_map(|word| word.to_ne_bytes()).collect();
        macro_rules! lies_there {
            ($($field:ident)*) => {$({
                let bytes = sqe.$field.to_ne_bytes();
                let place = offset_of!(Sqe, $field);
                assert_eq!(memory[place..place + bytes.len()], bytes, stringify!($field));
            })*};
        }
        lies_there!(opcode flags ioprio fd off addr len op_flags user_data);
        lies_there!(buf_index personality file_index addr3 pad);
    }
}
