//! One small function for each operation.

use std::os::fd::RawFd;

use io_uring::opcode;
use io_uring::squeue::Flags;

use super::Sqe;
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

/// Does nothing and completes with 0.
#[inline]
pub const fn nop() -> Sqe {
    Sqe::new(opcode::Nop::CODE, -1)
}

/// Accepts one connection; `flags` are `SOCK_*`. Completes with its descriptor.
#[inline]
pub const fn accept(fd: RawFd, flags: i32) -> Sqe {
    Sqe { op_flags: flags as u32, ..Sqe::new(opcode::Accept::CODE, fd) }
}

/// As [`accept`], and writes whose the connection is to `address`, as far as the length there allows, with
/// the address's own length.
#[inline]
pub fn accept_from(
    fd: RawFd,
    address: *mut libc::sockaddr,
    len: *mut libc::socklen_t,
    flags: i32,
) -> Sqe {
    Sqe { addr: address as u64, off: len as u64, ..accept(fd, flags) }
}

/// Accepts connections, a completion each, until one comes without `F_MORE`.
#[inline]
pub const fn accept_multi(fd: RawFd, flags: i32) -> Sqe {
    Sqe { ioprio: ACCEPT_MULTISHOT, ..accept(fd, flags) }
}

/// Connects to the address of `len` bytes. After a cancel the descriptor must be closed: the
/// connection may still come to be.
#[inline]
pub fn connect(fd: RawFd, address: *const libc::sockaddr, len: libc::socklen_t) -> Sqe {
    Sqe { addr: address as u64, off: len as u64, ..Sqe::new(opcode::Connect::CODE, fd) }
}

/// Receives up to `len` bytes to `buffer`; `flags` are `MSG_*`.
#[inline]
pub fn recv(fd: RawFd, buffer: *mut u8, len: u32, flags: i32) -> Sqe {
    Sqe { addr: buffer as u64, len, op_flags: flags as u32, ..Sqe::new(opcode::Recv::CODE, fd) }
}

/// Receives once, to a buffer of the group; up to `len` bytes, or with 0 as many as it holds.
#[inline]
pub const fn recv_group(fd: RawFd, group: GroupId, len: u32, flags: i32) -> Sqe {
    let sqe = Sqe::new(opcode::Recv::CODE, fd);
    Sqe { len, op_flags: flags as u32, buf_index: group.0, ..sqe }.flag(Flags::BUFFER_SELECT)
}

/// Receives to buffers of the group, a completion each, until one comes without `F_MORE`.
///
/// `len` limits each completion and `total` all of them together, in bytes; 0 is no limit. Limits
/// need [`Caps::RECV_CAPS`](crate::Caps::RECV_CAPS).
#[inline]
pub const fn recv_multi(fd: RawFd, group: GroupId, flags: i32, len: u32, total: u32) -> Sqe {
    Sqe { ioprio: RECV_MULTISHOT, file_index: total, ..recv_group(fd, group, len, flags) }
}

/// Sends up to `len` bytes; `flags` are `MSG_*`.
#[inline]
pub fn send(fd: RawFd, buffer: *const u8, len: u32, flags: i32) -> Sqe {
    Sqe { addr: buffer as u64, len, op_flags: flags as u32, ..Sqe::new(opcode::Send::CODE, fd) }
}

/// Sends what `count` slices hold. Needs
/// [`Caps::SEND_VECTORIZED`](crate::Caps::SEND_VECTORIZED).
#[inline]
pub fn send_vectored(fd: RawFd, slices: *const libc::iovec, count: u32, flags: i32) -> Sqe {
    Sqe { ioprio: SEND_VECTORIZED, ..send(fd, slices.cast(), count, flags) }
}

/// Sends a message; `flags` are `MSG_*`.
#[inline]
pub fn sendmsg(fd: RawFd, message: *const libc::msghdr, flags: i32) -> Sqe {
    let sqe = Sqe::new(opcode::SendMsg::CODE, fd);
    Sqe { addr: message as u64, len: 1, op_flags: flags as u32, ..sqe }
}

/// Makes a socket. Completes with its descriptor.
#[inline]
pub const fn socket(domain: i32, kind: i32, protocol: i32) -> Sqe {
    Sqe { off: kind as u64, len: protocol as u32, ..Sqe::new(opcode::Socket::CODE, domain) }
}

/// Binds a socket to the address of `len` bytes. Needs
/// [`Caps::RING_BIND_LISTEN`](crate::Caps::RING_BIND_LISTEN).
#[inline]
pub fn bind(fd: RawFd, address: *const libc::sockaddr, len: libc::socklen_t) -> Sqe {
    Sqe { addr: address as u64, off: len as u64, ..Sqe::new(opcode::Bind::CODE, fd) }
}

/// Makes a socket listen. Needs [`Caps::RING_BIND_LISTEN`](crate::Caps::RING_BIND_LISTEN).
#[inline]
pub const fn listen(fd: RawFd, backlog: i32) -> Sqe {
    Sqe { len: backlog as u32, ..Sqe::new(opcode::Listen::CODE, fd) }
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
    Sqe { len: how as u32, ..Sqe::new(opcode::Shutdown::CODE, fd) }
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
    Sqe { addr: user_data, ..Sqe::new(opcode::AsyncCancel::CODE, -1) }
}

/// Cancels every operation of the ring. Completes with their number.
#[inline]
pub const fn cancel_all() -> Sqe {
    Sqe { op_flags: CANCEL_ALL | CANCEL_ANY, ..Sqe::new(opcode::AsyncCancel2::CODE, -1) }
}

/// Waits until the descriptor is ready; `events` are `POLL*`. Completes with those that are.
#[inline]
pub const fn poll(fd: RawFd, events: u32) -> Sqe {
    // The kernel keeps the two halves in little-endian order on all machines.
    let events = if cfg!(target_endian = "big") { events.rotate_left(16) } else { events };
    Sqe { op_flags: events, ..Sqe::new(opcode::PollAdd::CODE, fd) }
}

/// Like [`poll`], with a completion each time it becomes ready anew, until one comes without
/// `F_MORE`.
#[inline]
pub const fn poll_multi(fd: RawFd, events: u32) -> Sqe {
    Sqe { len: POLL_MULTI, ..poll(fd, events) }
}

/// Posts a completion with this `user_data` and result to another ring. It succeeds even if that
/// ring's thread is gone.
#[inline]
pub const fn msg_ring(ring_fd: RawFd, user_data: u64, res: u32) -> Sqe {
    Sqe { off: user_data, len: res, ..Sqe::new(opcode::MsgRingData::CODE, ring_fd) }
}

/// Reads up to `len` bytes at `offset`; with `u64::MAX` at the file's position.
#[inline]
pub fn read(fd: RawFd, buffer: *mut u8, len: u32, offset: u64) -> Sqe {
    Sqe { addr: buffer as u64, len, off: offset, ..Sqe::new(opcode::Read::CODE, fd) }
}

/// Writes up to `len` bytes at `offset`; with `u64::MAX` at the file's position.
///
/// To a broken pipe or socket it raises `SIGPIPE`; sockets are better served by [`send`].
#[inline]
pub fn write(fd: RawFd, buffer: *const u8, len: u32, offset: u64) -> Sqe {
    Sqe { addr: buffer as u64, len, off: offset, ..Sqe::new(opcode::Write::CODE, fd) }
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
