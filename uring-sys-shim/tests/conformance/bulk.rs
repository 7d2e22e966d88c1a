//! Facts about splice(2) beside the ring, which needs sockets that do not block for the time of a
//! call. The simulated kernel has no pipes.

use std::os::fd::{AsRawFd, RawFd};

use uring_sys_shim::{sqe, sys};

use super::bench::Bench;
use super::buffers::Group;
use super::sockets::pattern;

fn for_a_moment(fd: RawFd) {
    sys::set_nonblocking(fd, true).unwrap();
    sys::set_nonblocking(fd, false).unwrap();
}

/// `O_NONBLOCK` for a moment is nothing to operations that are parked.
pub(crate) fn what_is_parked_outlives_a_moment_without_blocking() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 4, 64);
    let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 0));
    assert!(bench.is_parked(receive));
    for round in 1..=3 {
        for_a_moment(near);
        assert!(bench.is_parked(receive));
        // The bytes come within the moment, their task work after it.
        sys::set_nonblocking(near, true).unwrap();
        bench.send(far, &pattern(round));
        sys::set_nonblocking(near, false).unwrap();
        let cqe = bench.next(receive);
        assert!(cqe.more(), "{cqe:?}");
        assert_eq!(group.take_and_return(&mut bench, cqe), pattern(round));
    }
    bench.submit(sqe::cancel(receive).skip_success());
    bench.all(receive);
}

/// Nor to those that are submitted meanwhile: a receive and a send go by their own flags.
pub(crate) fn receives_and_sends_park_on_a_socket_that_does_not_block() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    sys::set_nonblocking(near, true).unwrap();
    let (memory, sqe) = bench.receiving(near, 8);
    let receive = bench.submit(sqe);
    assert!(bench.is_parked(receive));
    bench.send(far, b"x");
    assert_eq!((bench.result(receive), memory.bytes(0, 1)), (1, b"x".to_vec()));
    let sent = bench.more_than_sockets_hold(near, far);
    let sqe = bench.sending(near, &sent);
    let send = bench.submit(sqe);
    assert!(bench.is_parked(send));
    bench.arrives_slowly(far, &sent, send);
}

/// poll(2), one-shot: it parks until the socket is ready, says for what, and can be cancelled.
pub(crate) fn a_poll_of_a_socket_parks_until_it_is_ready() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let (readable, writable) = (i32::from(libc::POLLIN), i32::from(libc::POLLOUT));
    assert_eq!(bench.run(sqe::poll(near, writable as u32)), writable);
    let poll = bench.submit(sqe::poll(near, readable as u32));
    assert!(bench.is_parked(poll));
    bench.submit(sqe::cancel(poll).skip_success());
    assert_eq!(bench.result(poll), -libc::ECANCELED);
    let poll = bench.submit(sqe::poll(near, readable as u32));
    bench.send(far, b"x");
    assert_eq!(bench.result(poll) & readable, readable);
    assert_eq!(bench.receive(near, 8).unwrap(), b"x");
    bench.shut_down(far, libc::SHUT_WR);
    assert_eq!(bench.run(sqe::poll(near, readable as u32)) & readable, readable, "the end");
}

/// splice(2): in order and whole, without a wait, and 0 at the end.
pub(crate) fn bytes_go_through_a_pipe_in_order() {
    let mut bench = Bench::new();
    let ((near, left), (far, right)) = (bench.pair(), bench.pair());
    [near, far].iter().for_each(|&fd| sys::set_nonblocking(fd, true).unwrap());
    let (read, write, room) = sys::pipe(1 << 16).unwrap();
    let (read, write) = (read.as_raw_fd(), write.as_raw_fd());
    let nothing = sys::splice(near, write, room).unwrap_err();
    assert_eq!(nothing.raw_os_error(), Some(libc::EAGAIN));
    let sent = pattern(20_000);
    bench.send(left, &sent);
    let mut moved = 0;
    while moved < sent.len() {
        bench.until_arrived(near, 1);
        let count = sys::splice(near, write, room).unwrap();
        assert_eq!(sys::splice(read, far, count).unwrap(), count);
        moved += count;
    }
    assert_eq!(bench.receive_exactly(right, sent.len()), sent);
    bench.shut_down(left, libc::SHUT_WR);
    bench.run(sqe::poll(near, libc::POLLIN as u32));
    assert_eq!(sys::splice(near, write, room).unwrap(), 0);
}

/// tcp(7): what does not fit stays in the pipe.
pub(crate) fn a_socket_without_room_leaves_the_rest_in_the_pipe() {
    let mut bench = Bench::new();
    let ((near, left), (far, right)) = (bench.pair(), bench.pair());
    [near, far].iter().for_each(|&fd| sys::set_nonblocking(fd, true).unwrap());
    let (read, write, room) = sys::pipe(1 << 16).unwrap();
    let (read, write) = (read.as_raw_fd(), write.as_raw_fd());
    let (mut filled, mut emptied) = (0, 0);
    let piece = pattern(16_384);
    let full = loop {
        if filled == emptied {
            bench.send(left, &piece);
            bench.until_arrived(near, piece.len());
            filled += sys::splice(near, write, room).unwrap();
        }
        match sys::splice(read, far, filled - emptied) {
            Ok(count) => emptied += count,
            Err(error) => break error,
        }
    };
    assert_eq!(full.raw_os_error(), Some(libc::EAGAIN));
    assert!(emptied < filled);
    let mut got = bench.receive_exactly(right, emptied);
    assert_eq!(sys::splice(read, far, filled - emptied).unwrap(), filled - emptied);
    got.extend(bench.receive_exactly(right, filled - emptied));
    assert!(got.chunks(piece.len()).all(|some| some == &piece[..some.len()]));
}
