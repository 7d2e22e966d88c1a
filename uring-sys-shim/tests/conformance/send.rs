//! Facts about sending and the end of a connection.

use uring_sys_shim::sqe;
use uring_sys_shim::sys::getpeername;

use super::bench::Bench;
use super::memory::Memory;
use super::sockets::{SEND, local, pattern};

/// send(2) fails with one of these on a connection that is over.
const OVER: [i32; 2] = [-libc::EPIPE, -libc::ECONNRESET];

/// KERNEL.md, Operations: with `MSG_WAITALL` a send ends when all is sent, however slow the
/// reader.
pub(crate) fn a_waitall_send_is_whole_though_the_reader_is_slow() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = bench.more_than_sockets_hold(near, far);
    let sqe = bench.sending(near, &sent);
    let send = bench.submit(sqe);
    bench.arrives_slowly(far, &sent, send);
}

/// As above: if it is cut short, its result says by how much; nothing is lost or sent twice.
pub(crate) fn a_send_says_how_much_it_has_sent() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = bench.more_than_sockets_hold(near, far);
    let mut got = Vec::new();
    let mut rest = &sent[..];
    while !rest.is_empty() {
        let sqe = bench.sending(near, rest);
        let send = bench.submit(sqe);
        let mut done = None;
        while done.is_none() {
            let (memory, sqe) = bench.receiving(far, 1 << 16);
            let receive = bench.submit(sqe);
            bench.until(|bench| {
                done = done.or_else(|| bench.peek(send));
                done.is_some() || !bench.is_in_flight(receive)
            });
            if bench.is_in_flight(receive) {
                bench.submit(sqe::cancel(receive).skip_success());
            }
            match bench.result(receive) {
                res if res >= 0 => got.extend(memory.bytes(0, res as usize)),
                res => assert_eq!(res, -libc::ECANCELED),
            }
        }
        let count = done.map_or(0, |cqe| cqe.res);
        assert!(count > 0, "{count}");
        rest = &rest[count as usize..];
    }
    bench.shut_down(near, libc::SHUT_WR);
    let (last, error) = bench.receive_all(far);
    got.extend(last);
    assert_eq!((got.len(), error), (sent.len(), None));
    assert!(got == sent);
}

/// io_uring_prep_sendmsg(3): all slices, in order.
pub(crate) fn a_message_sends_its_slices_in_order() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let (sent, slices) = bench.slices();
    let message = bench.lend(Memory::message(&slices));
    let count = bench.run(sqe::sendmsg(near, message.start().cast(), SEND));
    bench.arrives(near, far, &sent, count);
}

/// KERNEL.md, Operations, `SEND_VECTORIZED`: as above.
pub(crate) fn a_vectored_send_sends_its_slices_in_order() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let (sent, slices) = bench.slices();
    let count = (slices.len() / size_of::<libc::iovec>()) as u32;
    let count = bench.run(sqe::send_vectored(near, slices.start().cast(), count, SEND));
    bench.arrives(near, far, &sent, count);
}

/// As above, with more than the sockets hold: it goes on within a slice.
pub(crate) fn a_long_message_is_whole() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = bench.more_than_sockets_hold(near, far);
    let slices = bench.sliced(&sent, &[10, 0, 20_000, 1]);
    let message = bench.lend(Memory::message(&slices));
    let send = bench.submit(sqe::sendmsg(near, message.start().cast(), SEND));
    bench.arrives_slowly(far, &sent, send);
}

/// As above.
pub(crate) fn a_long_vectored_send_is_whole() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = bench.more_than_sockets_hold(near, far);
    let slices = bench.sliced(&sent, &[10, 0, 20_000, 1]);
    let count = (slices.len() / size_of::<libc::iovec>()) as u32;
    let send = bench.submit(sqe::send_vectored(near, slices.start().cast(), count, SEND));
    bench.arrives_slowly(far, &sent, send);
}

impl Bench {
    /// Makes the sockets' own buffers small, and what is to be sent larger.
    pub(super) fn more_than_sockets_hold(&mut self, from: i32, to: i32) -> Vec<u8> {
        use uring_sys_shim::sys::set_option;
        set_option(from, libc::SOL_SOCKET, libc::SO_SNDBUF, 1 << 14).expect("SO_SNDBUF");
        set_option(to, libc::SOL_SOCKET, libc::SO_RCVBUF, 1 << 14).expect("SO_RCVBUF");
        pattern(if self.is_simulated() { 70_000 } else { 2 << 20 })
    }

    /// Bytes, and an array of slices of uneven lengths that hold them.
    fn slices(&mut self) -> (Vec<u8>, Memory) {
        let sent = pattern(600);
        let slices = self.sliced(&sent, &[1, 0, 300, 7]);
        (sent, slices)
    }

    /// An array of slices of these lengths, and one more, that hold a copy of the bytes.
    fn sliced(&mut self, bytes: &[u8], lens: &[usize]) -> Memory {
        let mut rest = bytes;
        let mut slices = Vec::new();
        for len in lens {
            let (part, behind) = rest.split_at(*len);
            slices.push(self.lend(Memory::of(part)).slice());
            rest = behind;
        }
        slices.push(self.lend(Memory::of(rest)).slice());
        self.lend(Memory::of(&slices))
    }

    /// Reads all that is sent; the send has waited for that.
    #[track_caller]
    pub(super) fn arrives_slowly(&mut self, far: i32, sent: &[u8], send: u64) {
        assert!(self.is_parked(send));
        let got = self.receive_exactly(far, sent.len());
        assert!(got == sent);
        assert_eq!(self.result(send) as usize, sent.len());
    }

    /// So many of the bytes were sent, and no others arrive.
    #[track_caller]
    fn arrives(&mut self, near: i32, far: i32, sent: &[u8], count: i32) {
        let whole = count as usize == sent.len();
        assert!(whole || self.is_simulated() && count > 0, "sent {count} of {}", sent.len());
        self.shut_down(near, libc::SHUT_WR);
        assert_eq!(self.receive_all(far), (sent[..count as usize].to_vec(), None));
    }
}

/// io_uring_prep_connect(3), submission: an address is read when its operation is submitted, and
/// an array of slices too.
pub(crate) fn addresses_and_slices_are_read_at_submission() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let near = bench.socket();
    let (storage, len) = bench.address(address);
    let connect = bench.submit(sqe::connect(near, storage.start().cast(), len));
    storage.fill(0xff);
    assert_eq!(bench.result(connect), 0);
    let far = bench.accept(listener);
    let (sent, slices) = bench.slices();
    let message = bench.lend(Memory::message(&slices));
    let send = bench.submit(sqe::sendmsg(near, message.start().cast(), SEND));
    slices.fill(0xff);
    let count = bench.result(send);
    bench.arrives(near, far, &sent, count);
}

/// send(2): to a peer that is gone it fails, sooner or later, and goes on failing.
pub(crate) fn a_send_to_nobody_fails() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    bench.close(far);
    let mut sends = 0;
    let failed = loop {
        let sqe = bench.sending(near, b"to nobody");
        let res = bench.run(sqe);
        if res < 0 {
            break res;
        }
        assert!(res > 0);
        sends += 1;
        assert!(sends < 1000, "nobody takes it, and nobody says so");
        bench.settle();
    };
    assert!(OVER.contains(&failed), "{failed}");
    let sqe = bench.sending(near, b"again");
    assert_eq!(bench.run(sqe), -libc::EPIPE);
}

/// tcp(7): a reset ends the send in flight, with the bytes that were sent or with its error.
pub(crate) fn a_reset_ends_the_send_in_flight() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = bench.more_than_sockets_hold(near, far);
    let sqe = bench.sending(near, &sent);
    let send = bench.submit(sqe);
    bench.settle();
    bench.reset(far);
    let res = bench.result(send);
    assert!(res > 0 || OVER.contains(&res), "{res}");
    // A simulated send may have ended before the reset has come.
    let mut again = 1;
    while again > 0 && (again == 1 || bench.is_simulated()) {
        bench.settle();
        let sqe = bench.sending(near, b"again");
        again = bench.run(sqe);
    }
    assert!(OVER.contains(&again), "{again}");
}

/// shutdown(2), `SHUT_WR`: the peer reads all that was sent before, then the end; the other
/// direction is open, ours is not.
pub(crate) fn shutting_down_writing_is_the_end_behind_the_last_byte() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = pattern(1000);
    bench.send(near, &sent);
    bench.shut_down(near, libc::SHUT_WR);
    assert_eq!(bench.receive_all(far), (sent, None));
    let sqe = bench.sending(near, b"too late");
    assert_eq!(bench.run(sqe), -libc::EPIPE);
    bench.send(far, b"answer");
    bench.close(far);
    assert_eq!(bench.receive_all(near), (b"answer".to_vec(), None));
}

/// close(2): with nothing unread it is the end of the stream, behind the last byte.
pub(crate) fn closing_is_the_end_behind_the_last_byte() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = pattern(1000);
    bench.send(near, &sent);
    bench.close(near);
    assert_eq!(bench.receive_all(far), (sent, None));
}

/// tcp(7), RFC 2525 2.17: with bytes unread it is a reset.
pub(crate) fn closing_with_bytes_unread_is_a_reset() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    bench.send(far, &pattern(100));
    bench.receive_exactly(near, 50);
    bench.close(near);
    assert_eq!(bench.receive_all(far), (Vec::new(), Some(libc::ECONNRESET)));
}

/// RFC 9293 3.10.7.4: a reset behind the end of the stream is no news to the reader.
pub(crate) fn a_reset_behind_the_end_does_not_concern_the_reader() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    bench.send(far, b"last");
    bench.shut_down(far, libc::SHUT_WR);
    bench.settle();
    // With this unread, closing is a reset.
    bench.send(near, b"unread");
    bench.settle();
    bench.close(far);
    bench.settle();
    assert_eq!(bench.receive_all(near), (b"last".to_vec(), None));
    let sqe = bench.sending(near, b"to nobody");
    assert_eq!(bench.run(sqe), -libc::EPIPE);
    assert_eq!(bench.receive(near, 8), Ok(Vec::new()));
}

/// shutdown(2), getpeername(2): a connection that was reset is none any more.
pub(crate) fn a_broken_connection_is_not_connected() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let address = local(near);
    bench.reset(far);
    assert_eq!(bench.receive_all(near), (Vec::new(), Some(libc::ECONNRESET)));
    assert_eq!(bench.run(sqe::shutdown(near, libc::SHUT_WR)), -libc::ENOTCONN);
    assert_eq!(getpeername(near).unwrap_err().raw_os_error(), Some(libc::ENOTCONN));
    assert_eq!(local(near), address);
}

/// KERNEL.md, Multishot bookkeeping: a close with `CQE_SKIP_SUCCESS` closes, and is silent.
pub(crate) fn a_silent_close_closes() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    bench.disown(near);
    let close = bench.submit(sqe::close(near).skip_success());
    assert_eq!(bench.receive_all(far), (Vec::new(), None));
    bench.settle();
    assert!(bench.is_silent(close));
}

/// socket(7), `SO_LINGER` of 0: closing resets.
pub(crate) fn closing_without_lingering_is_a_reset() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    bench.reset(near);
    assert_eq!(bench.receive_all(far), (Vec::new(), Some(libc::ECONNRESET)));
}
