//! Facts about cancelling: the request is exact and says nothing of the data.

use uring_sys_shim::{Ring, sqe, sys};

use super::bench::Bench;
use super::buffers::Group;
use super::sockets::pattern;

const POLLIN: u32 = libc::POLLIN as u32;
const CANCELED: i32 = -libc::ECANCELED;

/// KERNEL.md, Multishot bookkeeping and cancellation: `CQE_SKIP_SUCCESS` makes a cancel that hits
/// silent. Others are not concerned.
pub(crate) fn a_cancel_ends_its_target_alone_and_is_silent() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    let polls: Vec<u64> = (0..3).map(|_| bench.submit(sqe::poll_multi(event, POLLIN))).collect();
    let cancel = bench.submit(sqe::cancel(polls[1]).skip_success());
    assert_eq!(bench.result(polls[1]), CANCELED);
    assert!(bench.is_parked(polls[0]) && bench.is_parked(polls[2]));
    assert!(bench.is_silent(cancel));
    assert_eq!(bench.unasked(), 0);
}

/// KERNEL.md, user_data and slab: a name that has ended is hit no more.
pub(crate) fn a_cancel_that_misses_says_so() {
    let mut bench = Bench::new();
    let nop = bench.submit(sqe::nop());
    assert_eq!(bench.result(nop), 0);
    let event = bench.eventfd();
    let poll = bench.submit(sqe::poll_multi(event, POLLIN));
    for never in [nop, poll + 1000, poll ^ (1 << 40), 0] {
        let cancel = bench.submit(sqe::cancel(never).skip_success());
        assert_eq!(bench.result(cancel), -libc::ENOENT);
    }
    assert!(bench.is_parked(poll));
}

/// io_uring_cancelation(7): a target that is submitted before the cancel, in the same batch, is
/// found.
pub(crate) fn a_cancel_in_the_same_batch_hits() {
    let mut bench = Bench::new();
    let (near, _far) = bench.pair();
    let (_memory, sqe) = bench.receiving(near, 8);
    let receive = bench.push(sqe);
    let cancel = bench.push(sqe::cancel(receive).skip_success());
    bench.flush();
    assert_eq!(bench.result(receive), CANCELED);
    bench.settle();
    assert!(bench.is_silent(cancel));
}

/// As above: a second cancel, of all at the end of a loop, adds no completion to the target.
pub(crate) fn cancelling_twice_ends_once() {
    let mut bench = Bench::new();
    let (near, _far) = bench.pair();
    let (_memory, sqe) = bench.receiving(near, 8);
    let receive = bench.submit(sqe);
    bench.push(sqe::cancel(receive).skip_success());
    bench.push(sqe::cancel(receive).skip_success());
    bench.push(sqe::cancel_all().skip_success());
    bench.flush();
    assert_eq!(bench.result(receive), CANCELED);
    // The bench would find another one.
    bench.settle();
}

/// KERNEL.md, Shutdown: one request ends operations of every kind; each has its own completion.
pub(crate) fn cancelling_all_ends_each() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let (listener, _) = bench.listener(4);
    let event = bench.eventfd();
    let mut group = Group::usual(&mut bench, 4, 64);
    let (_memory, receive) = bench.receiving(near, 8);
    let parked = [
        bench.submit(receive),
        bench.submit(sqe::recv_multi(far, group.id, 0, 0, 0)),
        bench.submit(sqe::accept(listener, libc::SOCK_CLOEXEC)),
        bench.submit(sqe::accept_multi(listener, libc::SOCK_CLOEXEC)),
        bench.submit(sqe::poll_multi(event, POLLIN)),
    ];
    let cancel = bench.submit(sqe::cancel_all());
    assert_eq!(bench.result(cancel), parked.len() as i32);
    for name in parked {
        let cqe = bench.next(name);
        assert_eq!((cqe.res, cqe.more()), (CANCELED, false));
        assert_eq!(group.take(cqe), []);
    }
}

/// As above: with nothing there to cancel the request is a success, and silent.
pub(crate) fn cancelling_all_of_nothing_is_silent() {
    let mut bench = Bench::new();
    let cancel = bench.submit(sqe::cancel_all().skip_success());
    bench.settle();
    assert!(bench.is_silent(cancel));
    let cancel = bench.submit(sqe::cancel_all());
    assert_eq!(bench.result(cancel), 0);
}

/// KERNEL.md, what matters most: a cancelled receive may have received; no byte is lost, it is in
/// the completion or still in the socket.
pub(crate) fn a_cancelled_receive_loses_no_byte() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let sent = pattern(64);
    let mut got = Vec::new();
    for part in sent.chunks(4) {
        let (memory, sqe) = bench.receiving(near, 16);
        let receive = bench.submit(sqe);
        let sqe = bench.sending(far, part);
        let send = bench.push(sqe);
        let cancel = bench.push(sqe::cancel(receive).skip_success());
        bench.flush();
        match bench.result(receive) {
            res if res >= 0 => got.extend(memory.bytes(0, res as usize)),
            res => assert_eq!(res, CANCELED),
        }
        let count = bench.result(send);
        if count < part.len() as i32 {
            bench.send(far, &part[count as usize..]);
        }
        let _ = bench.peek(cancel);
    }
    let rest = bench.receive_exactly(near, sent.len() - got.len());
    got.extend(rest);
    assert_eq!(got, sent);
}

/// As above, of receives into buffers of a group.
pub(crate) fn a_cancelled_multishot_loses_no_byte() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 4, 16);
    let sent = pattern(256);
    let mut got = Vec::new();
    for part in sent.chunks(32) {
        let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 0));
        let sqe = bench.sending(far, part);
        let send = bench.push(sqe);
        bench.push(sqe::cancel(receive).skip_success());
        bench.flush();
        for cqe in bench.all(receive) {
            let errno = [CANCELED, -libc::ENOBUFS];
            assert!(cqe.res > 0 || errno.contains(&cqe.res), "{cqe:?}");
            got.extend(group.take_and_return(&mut bench, cqe));
        }
        let count = bench.result(send);
        if count < part.len() as i32 {
            bench.send(far, &part[count as usize..]);
        }
    }
    let rest = bench.receive_exactly(near, sent.len() - got.len());
    got.extend(rest);
    assert_eq!(got, sent);
}

/// KERNEL.md, what matters most: a cancelled send says how much it has sent, and that is what the
/// peer gets.
pub(crate) fn a_cancelled_send_says_how_much_it_has_sent() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    // More than two sockets hold.
    sys::set_option(near, libc::SOL_SOCKET, libc::SO_SNDBUF, 1 << 14).unwrap();
    sys::set_option(far, libc::SOL_SOCKET, libc::SO_RCVBUF, 1 << 14).unwrap();
    let sent = pattern(if bench.is_simulated() { 100_000 } else { 4 << 20 });
    let sqe = bench.sending(near, &sent);
    let send = bench.submit(sqe);
    bench.settle();
    bench.submit(sqe::cancel(send).skip_success());
    let count = match bench.result(send) {
        CANCELED => 0,
        res => usize::try_from(res).expect("a count"),
    };
    assert!(count < sent.len() || bench.is_simulated(), "it was to be cancelled in mid-send");
    bench.shut_down(near, libc::SHUT_WR);
    let (got, error) = bench.receive_all(far);
    assert_eq!((got.len(), error), (count, None));
    assert!(got == sent[..count]);
}

/// KERNEL.md, Operations: a cancelled accept leaves the connection in the backlog, or has it.
pub(crate) fn a_cancelled_accept_loses_no_connection() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(8);
    let mut clients = Vec::new();
    let mut accepted = Vec::new();
    for _ in 0..4 {
        let accept = bench.submit(sqe::accept(listener, libc::SOCK_CLOEXEC));
        let (client, sqe) = bench.connecting(address);
        let connect = bench.push(sqe);
        bench.push(sqe::cancel(accept).skip_success());
        bench.flush();
        match bench.result(accept) {
            CANCELED => {}
            res => accepted.push(bench.own(res)),
        }
        assert_eq!(bench.result(connect), 0);
        clients.push(client);
    }
    while accepted.len() < clients.len() {
        accepted.push(bench.accept(listener));
    }
    // Each is somebody else's.
    for (place, client) in (1_u8..).zip(clients) {
        bench.send(client, &[place; 1]);
    }
    let mut heard: Vec<u8> =
        accepted.into_iter().flat_map(|fd| bench.receive_exactly(fd, 1)).collect();
    heard.sort_unstable();
    assert_eq!(heard, [1, 2, 3, 4]);
}

/// KERNEL.md, Operations: a cancelled connect may connect all the same; closing its socket ends
/// that.
pub(crate) fn a_cancelled_connect_is_over_when_its_socket_is_closed() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(1);
    let mut connects = Vec::new();
    for _ in 0..5 {
        let (fd, sqe) = bench.connecting(address);
        connects.push((fd, bench.submit(sqe)));
    }
    bench.settle();
    for &(_, connect) in &connects {
        bench.submit(sqe::cancel(connect).skip_success());
    }
    let mut results = Vec::new();
    for (fd, connect) in connects {
        let res = bench.result(connect);
        assert!(res == 0 || res == CANCELED, "{res}");
        results.push(res);
        bench.close(fd);
    }
    assert!(results.contains(&CANCELED), "the backlog was to be full: {results:?}");
    // Whoever is accepted is gone, or goes.
    let accept = bench.submit(sqe::accept(listener, libc::SOCK_CLOEXEC));
    let fd = bench.result(accept);
    let fd = bench.own(fd);
    let (bytes, error) = bench.receive_all(fd);
    assert_eq!(bytes, []);
    assert!(matches!(error, None | Some(libc::ECONNRESET)), "{error:?}");
}

/// KERNEL.md, what matters most: closing neither cancels nor sends FIN while an operation is in
/// flight; its end by name does.
pub(crate) fn closing_ends_no_operation_and_no_connection() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let (_memory, sqe) = bench.receiving(near, 8);
    let receive = bench.submit(sqe);
    let (_peers, sqe) = bench.receiving(far, 8);
    let peers = bench.submit(sqe);
    bench.close(near);
    assert!(bench.is_parked(receive) && bench.is_parked(peers));
    bench.submit(sqe::cancel(receive).skip_success());
    assert_eq!(bench.result(receive), CANCELED);
    assert_eq!(bench.result(peers), 0, "the end of the stream");
    assert!(bench.ring().is_here());
}
