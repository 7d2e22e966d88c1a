//! Facts about receiving: into memory, and into buffers of a group.

use uring_sys_shim::{Caps, Cqe, GroupId, Ring, sqe};

use super::bench::Bench;
use super::buffers::Group;
use super::sockets::pattern;

const NO_BUFFERS: i32 = -libc::ENOBUFS;

impl Bench {
    /// Receives by multishots, to buffers that go back at once, until so many bytes are there.
    #[track_caller]
    fn receive_by_group(&mut self, fd: i32, group: &mut Group, len: usize) -> Vec<u8> {
        let mut got = Vec::new();
        while got.len() < len {
            let receive = self.submit(sqe::recv_multi(fd, group.id, 0, 0, 0));
            let mut cqe = self.next(receive);
            while cqe.more() {
                got.extend(group.take_and_return(self, cqe));
                if got.len() >= len {
                    self.submit(sqe::cancel(receive).skip_success());
                }
                cqe = self.next(receive);
            }
            let fine = cqe.res > 0 || [NO_BUFFERS, -libc::ECANCELED].contains(&cqe.res);
            assert!(fine, "{cqe:?}");
            got.extend(group.take_and_return(self, cqe));
        }
        got
    }
}

/// recv(2): what was sent, once and in order; a receive takes what is there and waits for no more.
pub(crate) fn bytes_come_once_and_in_order() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = pattern(1500);
    bench.send(far, &sent);
    let mut got = Vec::new();
    for len in [1, 7, 100, 1000].into_iter().cycle() {
        let some = bench.receive(near, len).expect("bytes");
        assert!((1..=len).contains(&some.len()));
        got.extend(some);
        if got.len() == sent.len() {
            break;
        }
    }
    assert_eq!(got, sent);
}

/// recv(2), blocking: it parks until something comes.
pub(crate) fn a_receive_parks_until_bytes_come() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let (memory, sqe) = bench.receiving(near, 16);
    let receive = bench.submit(sqe);
    assert!(bench.is_parked(receive));
    bench.send(far, b"x");
    assert_eq!(bench.result(receive), 1);
    assert_eq!(memory.bytes(0, 1), b"x");
}

/// KERNEL.md, Operations: the end is a result of 0 without a buffer, behind all bytes; it ends a
/// multishot, and comes again.
pub(crate) fn the_end_is_nothing_without_a_buffer_behind_all_bytes() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 4, 64);
    let sent = pattern(100);
    bench.send(far, &sent);
    bench.shut_down(far, libc::SHUT_WR);
    let mut got = Vec::new();
    let mut ends = 0;
    while ends < 3 {
        let one = sqe::recv_group(near, group.id, 0, 0);
        let many = sqe::recv_multi(near, group.id, 0, 0, 0);
        let receive = bench.submit(if ends == 1 { one } else { many });
        for cqe in bench.all(receive) {
            if cqe.res == 0 {
                assert!(cqe.buffer().is_none() && !cqe.more(), "{cqe:?}");
                ends += 1;
                assert_eq!(got, sent);
            }
            got.extend(group.take_and_return(&mut bench, cqe));
        }
    }
    assert_eq!(bench.receive(near, 16), Ok(Vec::new()));
}

/// tcp(7), RFC 9293 3.10.7.4: what came before a reset can be read; then it is told, once.
pub(crate) fn a_reset_is_told_behind_what_was_received() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = pattern(100);
    bench.send(far, &sent);
    bench.reset(far);
    assert_eq!(bench.receive_all(near), (sent, Some(libc::ECONNRESET)));
    assert_eq!(bench.receive(near, 16), Ok(Vec::new()));
}

/// As above, of the receive in flight.
pub(crate) fn a_reset_ends_the_receive_in_flight() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let group = Group::usual(&mut bench, 4, 64);
    let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 0));
    bench.settle();
    bench.reset(far);
    let cqe = bench.next(receive);
    assert_eq!((cqe.res, cqe.more(), cqe.buffer()), (-libc::ECONNRESET, false, None));
}

/// shutdown(2), `SHUT_RD`: a receive in flight ends as at the end of the stream.
pub(crate) fn shutting_down_reading_ends_the_receive_in_flight() {
    let mut bench = Bench::new();
    let (near, _far) = bench.pair();
    let (_memory, sqe) = bench.receiving(near, 16);
    let receive = bench.submit(sqe);
    bench.settle();
    bench.shut_down(near, libc::SHUT_RD);
    assert_eq!(bench.result(receive), 0);
    assert_eq!(bench.receive(near, 16), Ok(Vec::new()));
}

/// KERNEL.md, Back-pressure: without buffers it is `ENOBUFS` at once, though nothing is there to
/// be received.
pub(crate) fn a_dry_group_says_so_at_once() {
    let mut bench = Bench::new();
    let (near, _far) = bench.pair();
    let group = Group::empty(&mut bench, 4, 64, false);
    for sqe in [sqe::recv_group(near, group.id, 0, 0), sqe::recv_multi(near, group.id, 0, 0, 0)] {
        let name = bench.submit(sqe);
        let cqe = bench.next(name);
        assert_eq!((cqe.res, cqe.more(), cqe.buffer()), (NO_BUFFERS, false, None));
    }
}

/// KERNEL.md, Register: so it is with a group that does not exist, or no longer.
pub(crate) fn a_group_that_is_gone_is_dry() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    assert_eq!(bench.run(sqe::recv_group(near, GroupId(99), 0, 0)), NO_BUFFERS);
    let group = Group::usual(&mut bench, 4, 64);
    let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 0));
    bench.settle();
    bench.ring().unregister_group(group.id).unwrap();
    bench.send(far, b"x");
    let cqe = bench.next(receive);
    assert_eq!((cqe.res, cqe.more()), (NO_BUFFERS, false));
    assert_eq!(bench.receive_exactly(near, 1), b"x", "it is still there");
}

/// As above: a group's number is taken until it is unregistered; its size is a power of two.
pub(crate) fn a_group_is_registered_once_at_a_time() {
    let mut bench = Bench::new();
    let errno = |done: std::io::Result<()>| done.map_err(|error| error.raw_os_error());
    let ring = bench.ring();
    assert_eq!(errno(ring.register_group(GroupId(1), 4, false)), Ok(()));
    assert_eq!(errno(ring.register_group(GroupId(1), 4, false)), Err(Some(libc::EEXIST)));
    assert_eq!(errno(ring.register_group(GroupId(2), 6, false)), Err(Some(libc::EINVAL)));
    assert_eq!(errno(ring.unregister_group(GroupId(2))), Err(Some(libc::EINVAL)));
    assert_eq!(errno(ring.unregister_group(GroupId(1))), Ok(()));
    assert_eq!(errno(ring.register_group(GroupId(1), 8, false)), Ok(()));
}

/// KERNEL.md, Buffer rings: a buffer that is published while a multishot is armed serves it.
pub(crate) fn an_armed_multishot_sees_what_is_published() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::empty(&mut bench, 4, 16, false);
    group.publish(&mut bench, &[0]);
    let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 0));
    bench.settle();
    group.publish(&mut bench, &[1]);
    for round in 0..6_u8 {
        bench.send(far, &[round; 5]);
        let mut got = Vec::new();
        while got.len() < 5 {
            let cqe = bench.next(receive);
            assert!(cqe.more(), "{cqe:?}");
            got.extend(group.take_and_return(&mut bench, cqe));
        }
        assert_eq!(got, [round; 5]);
    }
}

/// As above: buffers are used in the order in which they were published, whatever their numbers,
/// and a fixed one by one completion, however few its bytes.
pub(crate) fn buffers_are_used_in_the_order_of_the_ring() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::empty(&mut bench, 8, 16, false);
    group.publish(&mut bench, &[5, 0, 7]);
    group.publish(&mut bench, &[1, 3]);
    let sent = pattern(300);
    bench.send(far, &sent);
    // `Group::take` compares.
    assert_eq!(bench.receive_by_group(near, &mut group, sent.len()), sent);
    bench.settle();
    assert_eq!(group.len(), 5);
}

/// KERNEL.md, Buffer rings: an incremental buffer is used piece by piece, with `F_BUF_MORE` until
/// it is full; the next operation goes on where the last one ended.
pub(crate) fn an_incremental_buffer_is_used_from_its_start_to_its_end() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::full(&mut bench, 2, 100, true);
    let sent = pattern(1000);
    for part in sent.chunks(90) {
        bench.send(far, part);
        assert_eq!(bench.receive_by_group(near, &mut group, part.len()), part);
    }
    assert!(group.len() == 2);
}

/// As above: pieces of one operation, and then of another one.
pub(crate) fn an_incremental_buffer_is_shared_by_operations() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::full(&mut bench, 1, 8, true);
    let many = sqe::recv_multi(near, group.id, 0, 0, 0);
    let one = sqe::recv_group(near, group.id, 0, 0);
    let mut receive = bench.submit(many);
    // `Group::take` knows where in the buffer each piece must be.
    for (piece, kept) in [(&b"abc"[..], true), (b"d", true), (b"e", true), (b"fgh", false)] {
        bench.send(far, piece);
        let mut got = Vec::new();
        while got.len() < piece.len() {
            let cqe = bench.next(receive);
            got.extend(group.take(cqe));
            assert!(cqe.buffer_more() == kept || got.len() < piece.len(), "{cqe:?}");
        }
        assert_eq!(got, piece);
        if piece == b"d" {
            bench.submit(sqe::cancel(receive).skip_success());
            assert_eq!(bench.result(receive), -libc::ECANCELED);
            receive = bench.submit(one);
        } else if piece == b"e" {
            receive = bench.submit(many);
        }
    }
}

/// KERNEL.md, Operations: completions of one multishot are in order; the last one, and only it,
/// lacks `F_MORE`.
pub(crate) fn a_multishot_is_in_order_and_says_when_it_ends() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 4, 32);
    let sent = pattern(2000);
    for part in sent.chunks(100) {
        bench.send(far, part);
        assert_eq!(bench.receive_by_group(near, &mut group, part.len()), part);
    }
    // The bench would find completions behind the last one.
    bench.settle();
}

/// A multishot that has used the last buffer leaves the rest in the socket.
pub(crate) fn a_group_that_runs_dry_ends_a_multishot_and_loses_nothing() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 2, 16);
    let sent = pattern(100);
    bench.send(far, &sent);
    let mut got = Vec::new();
    for _ in 0..3 {
        let last: Option<Cqe> = loop {
            let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 0));
            let all = bench.all(receive);
            all.iter().for_each(|cqe| got.extend(group.take(*cqe)));
            // It may also end while there are buffers.
            if group.len() == 0 || got.len() == sent.len() {
                break all.last().copied();
            }
        };
        let last = last.expect("a completion");
        assert!(last.res == NO_BUFFERS || last.res > 0, "{last:?}");
        group.publish(&mut bench, &[0, 1]);
    }
    assert!(got.len() == 96 || bench.is_simulated());
    got.extend(bench.receive_exactly(near, sent.len() - got.len()));
    assert_eq!(got, sent);
}

/// KERNEL.md, Operations: with limits for each completion and for all, a multishot ends with the
/// completion that reaches the total, which is not cut to it.
pub(crate) fn a_multishot_ends_when_it_has_reached_its_total() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::full(&mut bench, 8, 64, false);
    let sent = pattern(60);
    bench.send(far, &sent);
    bench.until_arrived(near, 60);
    let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 10, 35));
    let all = bench.all(receive);
    let shape: Vec<_> = all.iter().map(|cqe| (cqe.res, cqe.more())).collect();
    assert_eq!(shape, [(10, true), (10, true), (10, true), (10, false)]);
    let got: Vec<u8> = all.into_iter().flat_map(|cqe| group.take(cqe)).collect();
    assert_eq!(got, sent[..40]);
    assert_eq!(bench.receive_exactly(near, 20), sent[40..]);
}

/// As above, with a total only, as the driver arms it: it may be exceeded by one buffer.
pub(crate) fn a_total_is_exceeded_by_less_than_one_buffer() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 8, 64);
    let sent = pattern(400);
    bench.send(far, &sent);
    let mut got = Vec::new();
    while got.len() < sent.len() {
        let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 100));
        let before = got.len();
        loop {
            let cqe = bench.next(receive);
            let so_far = got.len() - before;
            assert!(so_far < 100, "{so_far} before {cqe:?}");
            got.extend(group.take_and_return(&mut bench, cqe));
            assert!(got.len() - before < 100 || !cqe.more(), "{cqe:?}");
            if !cqe.more() {
                break;
            }
            if got.len() == sent.len() {
                bench.submit(sqe::cancel(receive).skip_success());
            }
        }
        assert!(got.len() - before < 100 + 64);
    }
    assert_eq!(got, sent);
}

/// io_uring_prep_recv(3), buffer selection: a length limits a receive into a group as well.
pub(crate) fn a_length_limits_a_receive_into_a_group() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 4, 64);
    let sent = pattern(200);
    bench.send(far, &sent);
    let mut got = Vec::new();
    while got.len() < sent.len() {
        let name = bench.submit(sqe::recv_group(near, group.id, 9, 0));
        let cqe = bench.next(name);
        assert!(cqe.res <= 9 && !cqe.more(), "{cqe:?}");
        assert!(cqe.res > 0 || cqe.res == NO_BUFFERS, "{cqe:?}");
        got.extend(group.take_and_return(&mut bench, cqe));
    }
    assert_eq!(got, sent);
    assert!(bench.has(Caps::empty()));
}
