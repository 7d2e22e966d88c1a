//! Facts about listening, connecting, accepting.

use std::net::SocketAddr;

use uring_sys_shim::{sqe, sys};

use super::bench::Bench;
use super::shortage::Shortage;
use super::sockets::local;

const CLOEXEC: i32 = libc::SOCK_CLOEXEC;

fn peer(fd: i32) -> SocketAddr {
    sys::getpeername(fd).expect("getpeername").inet().expect("an internet address")
}

/// accept(2), connect(2): the ends know each other.
pub(crate) fn both_ends_know_each_other() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    assert_ne!(address.port(), 0);
    let near = bench.connect(address);
    let far = bench.accept(listener);
    assert_eq!((peer(near), local(far)), (address, address));
    assert_eq!(local(near), peer(far));
    assert_eq!(sys::getpeername(listener).unwrap_err().raw_os_error(), Some(libc::ENOTCONN));
}

/// accept(2): the address and its length are written, as far as there is room.
pub(crate) fn an_accept_says_whose_the_connection_is() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let near = bench.connect(address);
    let mut from = sys::Address::empty();
    let (room, len) = from.as_mut_ptrs();
    let fd = bench.run(sqe::accept_from(listener, room, len, libc::SOCK_CLOEXEC));
    bench.own(fd);
    assert_eq!(from.inet(), Some(local(near)));
    assert_eq!(from.len() as usize, size_of::<libc::sockaddr_in>());
}

/// accept(2), on Linux: a connection that is over by then comes with its address.
pub(crate) fn one_that_was_reset_in_the_backlog_comes_with_its_address() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let near = bench.connect(address);
    let gone = local(near);
    bench.reset(near);
    let mut from = sys::Address::empty();
    let (room, len) = from.as_mut_ptrs();
    let fd = bench.run(sqe::accept_from(listener, room, len, libc::SOCK_CLOEXEC));
    bench.own(fd);
    assert_eq!(from.inet(), Some(gone));
}

/// connect(2): where nobody listens it is refused.
pub(crate) fn connecting_to_nobody_is_refused() {
    let mut bench = Bench::new();
    let (_bound, address) = bench.bound();
    let (_fd, sqe) = bench.connecting(address);
    assert_eq!(bench.run(sqe), -libc::ECONNREFUSED);
}

/// accept(2): it parks until somebody connects; several in flight have a connection each.
pub(crate) fn accepts_in_flight_have_a_connection_each() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let accepts: Vec<u64> = (0..3).map(|_| bench.submit(sqe::accept(listener, CLOEXEC))).collect();
    for name in &accepts {
        assert!(bench.is_parked(*name));
    }
    let clients: Vec<SocketAddr> = (0..3).map(|_| local(bench.connect(address))).collect();
    let mut peers = Vec::new();
    for name in accepts {
        let fd = bench.result(name);
        peers.push(peer(bench.own(fd)));
    }
    peers.sort_unstable();
    let mut sorted = clients;
    sorted.sort_unstable();
    assert_eq!(peers, sorted);
}

/// listen(2): connections wait in the backlog, first come, first served, with what they have sent.
pub(crate) fn connections_wait_in_the_backlog() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(8);
    let clients: Vec<i32> = (0..4).map(|_| bench.connect(address)).collect();
    for (place, client) in clients.iter().enumerate() {
        bench.send(*client, &[place as u8; 3]);
    }
    for (place, client) in clients.into_iter().enumerate() {
        let far = bench.accept(listener);
        assert_eq!(peer(far), local(client));
        assert_eq!(bench.receive_exactly(far, 3), [place as u8; 3]);
    }
}

/// KERNEL.md, Operations: a multishot accept has a completion for each connection, in order.
pub(crate) fn a_multishot_accepts_in_order() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(8);
    let mut accept = bench.submit(sqe::accept_multi(listener, CLOEXEC));
    let mut clients = Vec::new();
    for _ in 0..4 {
        let client = bench.connect(address);
        clients.push(local(client));
    }
    for client in clients {
        let cqe = bench.next(accept);
        assert_eq!(peer(bench.own(cqe.res)), client);
        if !cqe.more() {
            accept = bench.submit(sqe::accept_multi(listener, CLOEXEC));
        }
    }
}

/// KERNEL.md, what matters most: without a descriptor to give it is `EMFILE`, and the connection
/// stays in the backlog.
pub(crate) fn an_accept_without_a_descriptor_loses_no_connection() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(8);
    let client = bench.connect(address);
    bench.send(client, b"hello");
    let shortage = Shortage::begin();
    let mut res = bench.run(sqe::accept(listener, CLOEXEC));
    assert!(res == -libc::EMFILE || bench.is_simulated());
    drop(shortage);
    while res < 0 {
        assert_eq!(res, -libc::EMFILE);
        res = bench.run(sqe::accept(listener, CLOEXEC));
    }
    let far = bench.own(res);
    assert_eq!(peer(far), local(client));
    assert_eq!(bench.receive_exactly(far, 5), b"hello");
}

/// accept(2): a connection that has ended in the backlog is accepted, and has its bytes.
pub(crate) fn a_connection_that_ended_in_the_backlog_has_its_bytes() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let client = bench.connect(address);
    bench.send(client, b"bye");
    bench.close(client);
    let far = bench.accept(listener);
    assert_eq!(bench.receive_all(far), (b"bye".to_vec(), None));
}

/// As above, of one that was reset: the error is told by the connection.
pub(crate) fn a_connection_that_was_reset_in_the_backlog_says_so() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let client = bench.connect(address);
    bench.reset(client);
    let far = bench.accept(listener);
    assert_eq!(bench.receive_all(far), (Vec::new(), Some(libc::ECONNRESET)));
}

/// close(2) of a listener: whoever was in its backlog is reset, whoever comes later is refused,
/// and its port is free.
pub(crate) fn a_closed_listener_leaves_nothing() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let waiting = bench.connect(address);
    bench.close(listener);
    assert_eq!(bench.receive_all(waiting), (Vec::new(), Some(libc::ECONNRESET)));
    let (_fd, sqe) = bench.connecting(address);
    assert_eq!(bench.run(sqe), -libc::ECONNREFUSED);
    let again = bench.socket();
    assert_eq!(bench.bind(again, address), 0);
}

/// KERNEL.md, Shutdown: an accept in flight keeps a listener; cancelled and awaited, it does not.
pub(crate) fn a_listener_whose_accepts_have_ended_is_closed_at_once() {
    let mut bench = Bench::new();
    let (listener, address) = bench.listener(4);
    let accepts: Vec<u64> = (0..16).map(|_| bench.submit(sqe::accept(listener, CLOEXEC))).collect();
    for name in &accepts {
        bench.submit(sqe::cancel(*name).skip_success());
    }
    for name in accepts {
        assert_eq!(bench.result(name), -libc::ECANCELED);
    }
    bench.close(listener);
    let again = bench.socket();
    assert_eq!(bench.bind(again, address), 0);
    bench.listen(again, 4);
    let _near = bench.connect(address);
    let _far = bench.accept(again);
}

/// bind(2): an address that is in use is refused.
pub(crate) fn a_taken_address_is_refused() {
    let mut bench = Bench::new();
    let (_listener, address) = bench.listener(4);
    let other = bench.socket();
    assert_eq!(bench.bind(other, address), -libc::EADDRINUSE);
}

/// KERNEL.md, Operations, setsockopt: any level, an `int` in memory.
pub(crate) fn an_option_is_set_by_an_operation() {
    let mut bench = Bench::new();
    let (near, _far) = bench.pair();
    let value = bench.lend(super::memory::Memory::of(&[1_i32]));
    let (level, name) = (libc::IPPROTO_TCP, libc::TCP_NODELAY);
    assert_eq!(bench.run(sqe::setsockopt(near, level, name, value.start(), 4)), 0);
    assert!(bench.is_simulated() || sys::option(near, level, name).unwrap() == 1);
}
