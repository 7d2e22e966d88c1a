//! Facts about polling an eventfd, which is how a parked loop is woken.

use uring_sys_shim::{sqe, sys};

use super::bench::Bench;

const POLLIN: u32 = libc::POLLIN as u32;

impl Bench {
    /// Awaits an edge; arms the poll again if it has ended.
    #[track_caller]
    fn edge(&mut self, event: i32, poll: &mut u64) {
        let cqe = self.next(*poll);
        assert!(cqe.res & libc::POLLIN as i32 != 0, "{cqe:?}");
        if !cqe.more() {
            *poll = self.submit(sqe::poll_multi(event, POLLIN));
        }
    }
}

/// KERNEL.md, Wake-up: each write is an edge, though the eventfd is never read.
pub(crate) fn each_write_is_an_edge_without_a_read() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    let poll = bench.submit(sqe::poll_multi(event, POLLIN));
    assert!(bench.is_parked(poll));
    for _ in 0..5 {
        sys::eventfd_write(event, 1).unwrap();
        let cqe = bench.next(poll);
        assert!(cqe.res & i32::from(libc::POLLIN) != 0 && cqe.more(), "{cqe:?}");
        assert!(bench.is_parked(poll), "one write is one edge");
    }
}

/// As above: a poll that is armed late finds what was written before.
pub(crate) fn a_poll_that_is_armed_late_finds_the_write() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    for _ in 0..3 {
        sys::eventfd_write(event, 1).unwrap();
        let mut poll = bench.submit(sqe::poll_multi(event, POLLIN));
        bench.edge(event, &mut poll);
        bench.submit(sqe::cancel(poll).skip_success());
        while bench.next(poll).more() {}
    }
}

/// As above: writes may coalesce, and none is without an edge behind it.
pub(crate) fn no_write_is_without_an_edge() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    let mut poll = bench.submit(sqe::poll_multi(event, POLLIN));
    for writes in [1, 3, 1, 2] {
        // What is there belongs to earlier writes.
        while !bench.is_parked(poll) {
            bench.edge(event, &mut poll);
        }
        for _ in 0..writes {
            sys::eventfd_write(event, 1).unwrap();
        }
        bench.edge(event, &mut poll);
    }
}

/// eventfd(2): a counter that is full has its edge, and refuses nothing.
pub(crate) fn a_full_counter_has_its_edge() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    sys::eventfd_write(event, u64::MAX - 1).unwrap();
    sys::eventfd_write(event, 1).unwrap();
    let mut poll = bench.submit(sqe::poll_multi(event, POLLIN));
    bench.edge(event, &mut poll);
}
