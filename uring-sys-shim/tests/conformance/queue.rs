//! Facts about the two queues, and about entering the kernel.

use uring_sys_shim::{Ring, Sqe, Wait, sqe, sys};

use super::bench::Bench;
use super::buffers::Group;
use super::sockets::pattern;

const POLLIN: u32 = libc::POLLIN as u32;

/// An hour, which no test takes.
const HOUR: u64 = 3_600_000_000_000;

/// io_uring_enter(2): `user_data` comes back as it was, all 64 bits of it.
pub(crate) fn a_completion_carries_the_name_of_its_operation() {
    let mut bench = Bench::new();
    let names: Vec<u64> = (0..3).map(|_| bench.push(sqe::nop())).collect();
    bench.flush();
    for name in names.into_iter().rev() {
        let cqe = bench.next(name);
        assert_eq!((cqe.user_data, cqe.res, cqe.flags), (name, 0, 0));
    }
    assert!(names_are_whole());
}

fn names_are_whole() -> bool {
    // The bench's own names use all four quarters of the 64 bits.
    let name = Bench::new().submit(sqe::nop());
    (0..4).all(|quarter| name >> (16 * quarter) & 0xffff != 0)
}

/// KERNEL.md, Setup flags: with `DEFER_TASKRUN` what ends at once completes while it is submitted.
pub(crate) fn what_ends_at_once_completes_in_order_while_it_is_submitted() {
    let mut bench = Bench::sized(8, 16);
    let before = bench.ring().unsubmitted();
    assert_eq!(before, 0);
    let mut names = Vec::new();
    while let Some(name) = bench.try_push(sqe::nop()) {
        names.push(name);
        if names.len() == 3 {
            break;
        }
    }
    assert_eq!(bench.ring().unsubmitted() as usize, names.len());
    assert!(!bench.ring().has_completions(), "nothing happens before an enter");
    bench.flush();
    assert!(bench.ring().has_completions());
    let mut order = Vec::new();
    bench.until(|bench| {
        order.extend(bench.take_order());
        order.len() == names.len()
    });
    assert_eq!(order, names);
}

/// io_uring(7): a queue without a free place takes nothing.
pub(crate) fn a_full_queue_takes_nothing_and_loses_nothing() {
    let mut bench = Bench::sized(8, 64);
    let mut names = Vec::new();
    while let Some(name) = bench.try_push(sqe::nop()) {
        names.push(name);
        assert!(names.len() <= 8, "the queue has more places than it was asked for");
    }
    assert_eq!(bench.ring().unsubmitted() as usize, names.len());
    assert_eq!(bench.try_push(sqe::nop()), None);
    assert_eq!(bench.ring().unsubmitted() as usize, names.len());
    bench.flush();
    names.push(bench.submit(sqe::nop()));
    for name in names {
        assert_eq!(bench.result(name), 0);
    }
    bench.settle();
    assert_eq!(bench.unasked(), 0);
}

/// KERNEL.md, Setup flags: nothing that has parked completes until an enter with `GETEVENTS`; the
/// flag `TASKRUN` says that it would.
pub(crate) fn submitting_runs_no_task_work_and_the_flag_tells_of_it() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    let poll = bench.submit(sqe::poll_multi(event, POLLIN));
    bench.settle();
    assert!(!bench.ring().flags().taskrun);
    sys::eventfd_write(event, 1).unwrap();
    assert!(bench.ring().flags().taskrun);
    let nop = bench.submit(sqe::nop());
    assert!(bench.peek(nop).is_some() && bench.peek(poll).is_none());
    assert!(bench.ring().flags().taskrun);
    assert_eq!(bench.enter(Wait::Submit), 0);
    assert!(bench.peek(poll).is_none());
    bench.enter(Wait::Poll);
    assert!(!bench.ring().flags().taskrun);
    assert!(bench.peek(poll).is_some_and(|cqe| cqe.more()));
}

/// As above, in spite of all: the flag comes, and with it the completion.
pub(crate) fn task_work_runs_when_the_flag_is_answered() {
    let mut bench = Bench::new();
    let (near, far) = bench.pair();
    let (memory, sqe) = bench.receiving(near, 8);
    let receive = bench.submit(sqe);
    bench.send(far, b"x");
    let mut answered = 0;
    bench.until(|bench| {
        let flags = bench.ring().flags();
        if flags.taskrun || flags.overflow {
            bench.enter(Wait::Poll);
            answered += 1;
        }
        bench.peek(receive).is_some()
    });
    assert_eq!(memory.bytes(0, 1), b"x");
}

/// io_uring_enter(2), `min_complete`: a wait ends with the first completion.
pub(crate) fn a_wait_ends_with_the_first_completion() {
    let mut bench = Bench::new();
    let deadline = bench.ring().now() + HOUR;
    for wait in [Wait::Until(deadline), Wait::Forever] {
        let event = bench.eventfd();
        let poll = bench.submit(sqe::poll_multi(event, POLLIN));
        bench.settle();
        sys::eventfd_write(event, 1).unwrap();
        while bench.peek(poll).is_none() {
            bench.enter(wait);
        }
    }
    assert!(bench.ring().now() < deadline);
}

/// KERNEL.md, Waiting: `enter(GETEVENTS, min 0)` waits for nothing; the clock goes on.
pub(crate) fn polling_does_not_wait() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    let poll = bench.submit(sqe::poll_multi(event, POLLIN));
    let mut before = bench.ring().now();
    for _ in 0..10 {
        assert_eq!(bench.enter(Wait::Poll), 0);
        let now = bench.ring().now();
        assert!(now >= before);
        before = now;
    }
    assert!(bench.peek(poll).is_none());
}

/// KERNEL.md, Setup flags, `SUBMIT_ALL`: a refused operation is a completion, and stops none of
/// those behind it; nor does a descriptor that is not open.
pub(crate) fn a_refused_operation_stops_none_behind_it() {
    let mut bench = Bench::new();
    let unknown = Sqe { opcode: 250, ..sqe::nop() };
    let (_memory, closed) = bench.receiving(-1, 8);
    let names: Vec<u64> =
        [unknown, sqe::nop(), closed, sqe::nop()].map(|sqe| bench.push(sqe)).to_vec();
    bench.flush();
    let results: Vec<i32> = names.into_iter().map(|name| bench.result(name)).collect();
    assert_eq!(results, [-libc::EINVAL, 0, -libc::EBADF, 0]);
}

/// KERNEL.md, Operations, msg_ring: to what is no ring it is refused, and the sender hears of it.
pub(crate) fn a_message_to_no_ring_is_refused() {
    let mut bench = Bench::new();
    let event = bench.eventfd();
    assert_eq!(bench.run(sqe::msg_ring(event, 1, 0)), -libc::EBADFD);
}

/// KERNEL.md, Waiting: an expired wait is no failure, and none ends before its time.
pub(crate) fn a_wait_ends_at_its_deadline_and_not_before() {
    let mut bench = Bench::new();
    let deadline = bench.ring().now() + 2_000_000;
    assert_eq!(bench.enter(Wait::Until(deadline)), 0);
    assert!(bench.ring().now() >= deadline);
}

/// KERNEL.md, Waiting: a deadline in the past submits, and takes in what is there.
pub(crate) fn a_past_deadline_submits_and_returns() {
    let mut bench = Bench::new();
    let past = bench.ring().now();
    for deadline in [0, 1, past] {
        assert_eq!(bench.enter(Wait::Until(deadline)), 0);
        let name = bench.push(sqe::nop());
        assert_eq!(bench.enter(Wait::Until(deadline)), 1);
        assert!(bench.peek(name).is_some());
    }
}

/// KERNEL.md, what matters most: an overflow loses nothing, and raises the flag `CQ_OVERFLOW`
/// until an enter with `GETEVENTS` has flushed it.
pub(crate) fn an_overflow_loses_nothing_and_keeps_the_order() {
    let mut bench = Bench::sized(4, 4);
    let mut names = Vec::new();
    bench.ring().reap(&mut |_| unreachable!("nothing was submitted"));
    while names.len() < 12 {
        match bench.try_push(sqe::nop()) {
            Some(name) => names.push(name),
            // It may want its completions reaped first, and then has not overflowed so far.
            None => bench.flush(),
        }
    }
    bench.flush();
    let mut seen = Vec::new();
    bench.until(|bench| {
        if bench.ring().flags().overflow {
            bench.enter(Wait::Poll);
        }
        seen.extend(bench.take_order());
        seen.len() == names.len()
    });
    assert_eq!(seen, names);
    assert!(!bench.ring().flags().overflow);
}

/// As above: what has overflowed is not visible before it is flushed; submitting does not do it.
pub(crate) fn an_overflow_is_flushed_by_an_enter_and_by_nothing_else() {
    let mut bench = Bench::sized(4, 4);
    for wait in [Wait::Poll, Wait::Forever, Wait::Until(0)] {
        let names: Vec<u64> = (0..6).map(|_| bench.push(sqe::nop())).collect();
        bench.flush();
        assert!(bench.ring().flags().overflow);
        assert_eq!(bench.reap(), 4);
        assert_eq!(bench.reap(), 0);
        assert!(bench.ring().flags().overflow && !bench.ring().has_completions());
        assert_eq!(bench.enter(Wait::Submit), 0);
        assert!(!bench.ring().has_completions());
        bench.enter(wait);
        assert_eq!(bench.reap(), 2);
        assert!(!bench.ring().flags().overflow);
        assert_eq!(bench.take_order(), names);
    }
}

/// KERNEL.md, what matters most: an overflow ends a multishot operation, with a good result.
pub(crate) fn an_overflow_ends_a_multishot() {
    let mut bench = Bench::sized(4, 4);
    let event = bench.eventfd();
    let poll = bench.submit(sqe::poll_multi(event, POLLIN));
    bench.settle();
    let nops: Vec<u64> = (0..4).map(|_| bench.push(sqe::nop())).collect();
    bench.flush();
    sys::eventfd_write(event, 1).unwrap();
    bench.enter(Wait::Poll);
    assert!(bench.ring().flags().overflow);
    assert!(nops.into_iter().all(|name| bench.peek(name).is_some()));
    let cqe = bench.next(poll);
    assert!(cqe.res > 0 && !cqe.more(), "{cqe:?}");
}

/// As above, of a receive: its bytes are all there, and the next one goes on behind them.
pub(crate) fn an_overflow_loses_no_byte_of_a_multishot() {
    let mut bench = Bench::sized(4, 4);
    let (near, far) = bench.pair();
    let mut group = Group::usual(&mut bench, 8, 64);
    let sent = pattern(400);
    bench.send(far, &sent);
    let mut got = Vec::new();
    let mut nops = Vec::new();
    while got.len() < sent.len() {
        // They take all places before it has its first completion.
        for _ in 0..4 {
            nops.push(bench.submit(sqe::nop()));
        }
        let receive = bench.submit(sqe::recv_multi(near, group.id, 0, 0, 0));
        loop {
            let cqe = bench.next(receive);
            got.extend(group.take_and_return(&mut bench, cqe));
            if !cqe.more() {
                break;
            }
            if got.len() == sent.len() {
                bench.submit(sqe::cancel(receive).skip_success());
            }
        }
    }
    assert_eq!(got, sent);
    for name in nops {
        assert_eq!(bench.result(name), 0);
    }
}
