//! [`Sqe`] and one small function for each operation that fills one in.
//!
//! The functions only write numbers; what the addresses in them must satisfy is the contract of
//! [`Ring::push`](crate::Ring::push). Addresses of socket address, iovec array and option value are
//! read when the SQE is submitted; `msghdr` and buffers must live until the final completion.

use std::fmt;
use std::os::fd::RawFd;

use io_uring::opcode;
use io_uring::squeue::Flags;

use crate::ring::GroupId;

/// `IORING_ACCEPT_MULTISHOT`, in `ioprio`.
const ACCEPT_MULTISHOT: u16 = 1 << 0;
/// `IORING_RECV_MULTISHOT`, in `ioprio`.
const RECV_MULTISHOT: u16 = 1 << 1;
/// `IORING_SEND_VECTORIZED`, in `ioprio`.
const SEND_VECTORIZED: u16 = 1 << 5;
/// `IORING_POLL_ADD_MULTI`, in `len`.
const POLL_MULTI: u32 = 1 << 0;
/// `IORING_ASYNC_CANCEL_ALL`, in `op_flags`.
const CANCEL_ALL: u32 = 1 << 0;
/// `IORING_ASYNC_CANCEL_ANY`, in `op_flags`.
const CANCEL_ANY: u32 = 1 << 2;
/// `SOCKET_URING_OP_SETSOCKOPT`, in the first half of `off`.
const COMMAND_SETSOCKOPT: u32 = 3;

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
    const fn new(opcode: u8, fd: RawFd) -> Sqe {
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
    const fn flag(mut self, flag: Flags) -> Sqe {
        self.flags |= flag.bits();
        self
    }
}

/// Does nothing and completes with 0.
#[inline]
pub const fn nop() -> Sqe {
    Sqe::new(opcode::Nop::CODE, -1)
}

/// Accepts one connection; `flags` are `SOCK_*`. Completes with its descriptor.
#[inline]
pub const fn accept(fd: RawFd, flags: i32) -> Sqe {
    Sqe {
        op_flags: flags as u32,
        ..Sqe::new(opcode::Accept::CODE, fd)
    }
}

/// Accepts connections, a completion each, until one comes without `F_MORE`.
#[inline]
pub const fn accept_multi(fd: RawFd, flags: i32) -> Sqe {
    Sqe {
        ioprio: ACCEPT_MULTISHOT,
        ..accept(fd, flags)
    }
}

/// Connects to the address of `len` bytes. After a cancel the descriptor must be closed: the
/// connection may still come to be.
#[inline]
pub fn connect(fd: RawFd, address: *const libc::sockaddr, len: libc::socklen_t) -> Sqe {
    Sqe {
        addr: address as u64,
        off: len as u64,
        ..Sqe::new(opcode::Connect::CODE, fd)
    }
}

/// Receives up to `len` bytes to `buffer`; `flags` are `MSG_*`.
#[inline]
pub fn recv(fd: RawFd, buffer: *mut u8, len: u32, flags: i32) -> Sqe {
    Sqe {
        addr: buffer as u64,
        len,
        op_flags: flags as u32,
        ..Sqe::new(opcode::Recv::CODE, fd)
    }
}

/// Receives once, to a buffer of the group; up to `len` bytes, or with 0 as many as it holds.
#[inline]
pub const fn recv_group(fd: RawFd, group: GroupId, len: u32, flags: i32) -> Sqe {
    let sqe = Sqe::new(opcode::Recv::CODE, fd);
    Sqe {
        len,
        op_flags: flags as u32,
        buf_index: group.0,
        ..sqe
    }
    .flag(Flags::BUFFER_SELECT)
}

/// Receives to buffers of the group, a completion each, until one comes without `F_MORE`.
///
/// `len` limits each completion and `total` all of them together, in bytes; 0 is no limit. Limits
/// need [`Caps::RECV_CAPS`](crate::Caps::RECV_CAPS).
#[inline]
pub const fn recv_multi(fd: RawFd, group: GroupId, flags: i32, len: u32, total: u32) -> Sqe {
    Sqe {
        ioprio: RECV_MULTISHOT,
        file_index: total,
        ..recv_group(fd, group, len, flags)
    }
}

/// Sends up to `len` bytes; `flags` are `MSG_*`.
#[inline]
pub fn send(fd: RawFd, buffer: *const u8, len: u32, flags: i32) -> Sqe {
    Sqe {
        addr: buffer as u64,
        len,
        op_flags: flags as u32,
        ..Sqe::new(opcode::Send::CODE, fd)
    }
}

/// Sends what `count` slices hold. Needs
/// [`Caps::SEND_VECTORIZED`](crate::Caps::SEND_VECTORIZED).
#[inline]
pub fn send_vectored(fd: RawFd, slices: *const libc::iovec, count: u32, flags: i32) -> Sqe {
    Sqe {
        ioprio: SEND_VECTORIZED,
        ..send(fd, slices.cast(), count, flags)
    }
}

/// Sends a message; `flags` are `MSG_*`.
#[inline]
pub fn sendmsg(fd: RawFd, message: *const libc::msghdr, flags: i32) -> Sqe {
    let sqe = Sqe::new(opcode::SendMsg::CODE, fd);
    Sqe {
        addr: message as u64,
        len: 1,
        op_flags: flags as u32,
        ..sqe
    }
}

/// Makes a socket. Completes with its descriptor.
#[inline]
pub const fn socket(domain: i32, kind: i32, protocol: i32) -> Sqe {
    Sqe {
        off: kind as u64,
        len: protocol as u32,
        ..Sqe::new(opcode::Socket::CODE, domain)
    }
}

/// Binds a socket to the address of `len` bytes. Needs
/// [`Caps::RING_BIND_LISTEN`](crate::Caps::RING_BIND_LISTEN).
#[inline]
pub fn bind(fd: RawFd, address: *const libc::sockaddr, len: libc::socklen_t) -> Sqe {
    Sqe {
        addr: address as u64,
        off: len as u64,
        ..Sqe::new(opcode::Bind::CODE, fd)
    }
}

/// Makes a socket listen. Needs [`Caps::RING_BIND_LISTEN`](crate::Caps::RING_BIND_LISTEN).
#[inline]
pub const fn listen(fd: RawFd, backlog: i32) -> Sqe {
    Sqe {
        len: backlog as u32,
        ..Sqe::new(opcode::Listen::CODE, fd)
    }
}

/// Sets a socket option of `len` bytes. Needs
/// [`Caps::SOCKET_OPTION`](crate::Caps::SOCKET_OPTION).
#[inline]
pub fn setsockopt(fd: RawFd, level: i32, name: i32, value: *const u8, len: u32) -> Sqe {
    Sqe {
        off: halves(COMMAND_SETSOCKOPT, 0),
        addr: halves(level as u32, name as u32),
        file_index: len,
        addr3: value as u64,
        ..Sqe::new(opcode::SetSockOpt::CODE, fd)
    }
}

/// Shuts a connection down; `how` is `SHUT_*`.
#[inline]
pub const fn shutdown(fd: RawFd, how: i32) -> Sqe {
    Sqe {
        len: how as u32,
        ..Sqe::new(opcode::Shutdown::CODE, fd)
    }
}

/// Closes a descriptor. It neither cancels nor awaits operations in flight on it.
#[inline]
pub const fn close(fd: RawFd) -> Sqe {
    Sqe::new(opcode::Close::CODE, fd)
}

/// Cancels the operation with exactly this `user_data`. Only the operation's own completion says
/// what became of it.
#[inline]
pub const fn cancel(user_data: u64) -> Sqe {
    Sqe {
        addr: user_data,
        ..Sqe::new(opcode::AsyncCancel::CODE, -1)
    }
}

/// Cancels every operation of the ring. Completes with their number.
#[inline]
pub const fn cancel_all() -> Sqe {
    Sqe {
        op_flags: CANCEL_ALL | CANCEL_ANY,
        ..Sqe::new(opcode::AsyncCancel2::CODE, -1)
    }
}

/// Waits until the descriptor is ready; `events` are `POLL*`. Completes with those that are.
#[inline]
pub const fn poll(fd: RawFd, events: u32) -> Sqe {
    // The kernel keeps the two halves in little-endian order on all machines.
    let events = if cfg!(target_endian = "big") {
        events.rotate_left(16)
    } else {
        events
    };
    Sqe {
        op_flags: events,
        ..Sqe::new(opcode::PollAdd::CODE, fd)
    }
}

/// Like [`poll`], with a completion each time it becomes ready anew, until one comes without
/// `F_MORE`.
#[inline]
pub const fn poll_multi(fd: RawFd, events: u32) -> Sqe {
    Sqe {
        len: POLL_MULTI,
        ..poll(fd, events)
    }
}

/// Posts a completion with this `user_data` and result to another ring. It succeeds even if that
/// ring's thread is gone.
#[inline]
pub const fn msg_ring(ring_fd: RawFd, user_data: u64, res: u32) -> Sqe {
    Sqe {
        off: user_data,
        len: res,
        ..Sqe::new(opcode::MsgRingData::CODE, ring_fd)
    }
}

/// Reads up to `len` bytes at `offset`; with `u64::MAX` at the file's position.
#[inline]
pub fn read(fd: RawFd, buffer: *mut u8, len: u32, offset: u64) -> Sqe {
    Sqe {
        addr: buffer as u64,
        len,
        off: offset,
        ..Sqe::new(opcode::Read::CODE, fd)
    }
}

/// Writes up to `len` bytes at `offset`; with `u64::MAX` at the file's position.
///
/// To a broken pipe or socket it raises `SIGPIPE`; sockets are better served by [`send`].
#[inline]
pub fn write(fd: RawFd, buffer: *const u8, len: u32, offset: u64) -> Sqe {
    Sqe {
        addr: buffer as u64,
        len,
        off: offset,
        ..Sqe::new(opcode::Write::CODE, fd)
    }
}

/// Two `u32` fields that share the place of a `u64`, in memory order.
#[inline]
const fn halves(first: u32, second: u32) -> u64 {
    if cfg!(target_endian = "big") {
        (first as u64) << 32 | second as u64
    } else {
        (second as u64) << 32 | first as u64
    }
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
