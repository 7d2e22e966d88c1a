//! Every SQE is, byte for byte, what the io-uring crate's builder makes.
//!
//! # Safety
//! Entries are integers without padding: their bytes may be read. None reaches a kernel.
#![allow(unsafe_code, reason = "entries are viewed as bytes")]

use std::ptr::{from_ref, null_mut};

use io_uring::opcode;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{CancelBuilder, Fd};
use uring_sys_shim::{GroupId, Sqe, sqe};

fn bytes<T>(entry: &T) -> [u8; 64] {
    assert_eq!(size_of::<T>(), 64);
    // SAFETY: 64 bytes of integers without padding (Sqe) or zeroed before being filled (Entry).
    unsafe { *from_ref(entry).cast::<[u8; 64]>() }
}

#[track_caller]
fn same(ours: Sqe, theirs: Entry) {
    let (ours, theirs) = (ours.user_data(0x1122_3344_5566_7788), theirs);
    let theirs = theirs.user_data(0x1122_3344_5566_7788);
    assert_eq!(bytes(&ours), bytes(&theirs), "{ours:?} is not {theirs:?}");
}

const FD: i32 = 0x0102_0304;
const LEN: u32 = 0x0506_0708;
const FLAGS: i32 = 0x1122_3344;
const OFFSET: u64 = 0x2122_2324_2526_2728;

fn address<T>() -> *mut T {
    0x3132_3334_3536_3738_usize as *mut T
}

#[test]
fn sockets() {
    let fd = Fd(FD);
    same(sqe::socket(2, 0x80001, 6), opcode::Socket::new(2, 0x80001, 6).build());
    same(sqe::bind(FD, address(), LEN), opcode::Bind::new(fd, address(), LEN).build());
    same(sqe::listen(FD, 77), opcode::Listen::new(fd, 77).build());
    same(sqe::connect(FD, address(), LEN), opcode::Connect::new(fd, address(), LEN).build());
    same(sqe::shutdown(FD, 2), opcode::Shutdown::new(fd, 2).build());
    same(
        sqe::accept(FD, FLAGS),
        opcode::Accept::new(fd, null_mut(), null_mut()).flags(FLAGS).build(),
    );
    same(sqe::accept_multi(FD, FLAGS), opcode::AcceptMulti::new(fd).flags(FLAGS).build());
    same(
        sqe::setsockopt(FD, 6, 1, address(), 4),
        opcode::SetSockOpt::new(fd, 6, 1, address(), 4).build(),
    );
}

#[test]
fn receiving() {
    let (fd, group) = (Fd(FD), 0x4142);
    same(
        sqe::recv(FD, address(), LEN, FLAGS),
        opcode::Recv::new(fd, address(), LEN).flags(FLAGS).build(),
    );
    same(
        sqe::recv_group(FD, GroupId(group), LEN, FLAGS),
        opcode::Recv::new(fd, null_mut(), LEN)
            .flags(FLAGS)
            .buf_group(group)
            .build()
            .flags(Flags::BUFFER_SELECT),
    );
    same(
        sqe::recv_multi(FD, GroupId(group), FLAGS, LEN, 0),
        opcode::RecvMulti::new(fd, group).flags(FLAGS).len(LEN).build(),
    );
}

#[test]
fn the_total_of_a_multi_receive_stands_in_optlen() {
    let without = bytes(&sqe::recv_multi(FD, GroupId(1), FLAGS, LEN, 0));
    let with = bytes(&sqe::recv_multi(FD, GroupId(1), FLAGS, LEN, 0x5152_5354));
    assert_eq!(with[44..48], 0x5152_5354_u32.to_ne_bytes());
    assert_eq!((&with[..44], &with[48..]), (&without[..44], &without[48..]));
}

#[test]
fn sending() {
    let fd = Fd(FD);
    same(
        sqe::send(FD, address(), LEN, FLAGS),
        opcode::Send::new(fd, address(), LEN).flags(FLAGS).build(),
    );
    same(
        sqe::send_vectored(FD, address(), 3, FLAGS),
        opcode::Send::new(fd, address(), 3).flags(FLAGS).ioprio(1 << 5).build(),
    );
    same(
        sqe::sendmsg(FD, address(), FLAGS),
        opcode::SendMsg::new(fd, address()).flags(FLAGS as u32).build(),
    );
}

#[test]
fn files_and_the_rest() {
    let fd = Fd(FD);
    same(sqe::nop(), opcode::Nop::new().build());
    same(sqe::close(FD), opcode::Close::new(fd).build());
    same(
        sqe::read(FD, address(), LEN, OFFSET),
        opcode::Read::new(fd, address(), LEN).offset(OFFSET).build(),
    );
    same(
        sqe::write(FD, address(), LEN, OFFSET),
        opcode::Write::new(fd, address(), LEN).offset(OFFSET).build(),
    );
    same(sqe::cancel(OFFSET), opcode::AsyncCancel::new(OFFSET).build());
    let everything = CancelBuilder::any().all();
    same(sqe::cancel_all(), opcode::AsyncCancel2::new(everything).build());
    same(sqe::poll(FD, 0x2001), opcode::PollAdd::new(fd, 0x2001).build());
    same(sqe::poll_multi(FD, 0x2001), opcode::PollAdd::new(fd, 0x2001).multi(true).build());
    same(
        sqe::msg_ring(FD, OFFSET, LEN),
        opcode::MsgRingData::new(fd, LEN as i32, OFFSET, None).build(),
    );
}

#[test]
fn the_flags_of_an_entry() {
    same(sqe::nop().skip_success(), opcode::Nop::new().build().flags(Flags::SKIP_SUCCESS));
    same(sqe::nop().link(), opcode::Nop::new().build().flags(Flags::IO_LINK));
    same(
        sqe::nop().hardlink().skip_success(),
        opcode::Nop::new().build().flags(Flags::IO_HARDLINK | Flags::SKIP_SUCCESS),
    );
}

#[test]
fn debug_names_the_operation_and_what_is_set() {
    let text = format!("{:?}", sqe::recv_multi(5, GroupId(2), 0, 10, 35).user_data(0xab));
    assert_eq!(
        text,
        "RECV { fd: 5, flags: BUFFER_SELECT, ioprio: 0x2, len: 0xa, user_data: 0xab, \
         buf_index: 0x2, file_index: 0x23 }"
    );
    assert!(format!("{:?}", Sqe { opcode: 200, ..sqe::nop() }).starts_with("OPCODE_200"));
}
