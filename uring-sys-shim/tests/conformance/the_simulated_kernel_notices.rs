//! What a program must not do: the simulated kernel notices it. A kernel would not, and the
//! program would meet it later, or never.

use std::time::Duration;

use uring_sys_shim::sim::{Faults, Machine};
use uring_sys_shim::sys::eventfd_write;
use uring_sys_shim::{Ring, Wait, sqe};

use super::bench::Bench;
use super::buffers::Group;
use super::memory::Memory;

/// Runs a program on a kind kernel, to its end.
fn on(faults: Faults, program: impl FnOnce(&Machine)) {
    let machine = Machine::new(7, faults);
    let installed = machine.install();
    program(&machine);
    drop(installed);
    machine.finish();
}

fn on_a_kind_one(program: impl FnOnce(Bench)) {
    on(Faults::none(), |_| program(Bench::new()));
}

#[test]
#[should_panic(expected = "seed 7: descriptor")]
fn a_close_under_an_operation() {
    on_a_kind_one(|mut bench| {
        let (near, _far) = bench.pair();
        let (_memory, sqe) = bench.receiving(near, 8);
        bench.submit(sqe);
        bench.close(near);
    });
}

#[test]
#[should_panic(expected = "which is not open")]
fn a_close_of_what_is_closed() {
    on_a_kind_one(|mut bench| {
        let fd = bench.socket();
        bench.close(fd);
        bench.submit(sqe::close(fd));
    });
}

#[test]
#[should_panic(expected = "was closed by something else")]
fn a_close_behind_its_back() {
    on_a_kind_one(|mut bench| {
        let fd = bench.socket();
        bench.close_really(fd);
        bench.socket();
    });
}

#[test]
#[should_panic(expected = "left open: descriptor")]
fn a_descriptor_that_is_left_open() {
    on_a_kind_one(|mut bench| {
        let (_near, far) = bench.pair();
        bench.disown(far);
    });
}

#[test]
#[should_panic(expected = "user_data is in flight already")]
fn a_name_that_is_in_flight() {
    on_a_kind_one(|mut bench| {
        let event = bench.eventfd();
        let name = bench.submit(sqe::poll_multi(event, libc::POLLIN as u32));
        bench.name_next(name);
        bench.submit(sqe::nop());
    });
}

#[test]
#[should_panic(expected = "user_data is in flight already")]
fn a_name_whose_completion_was_not_reaped() {
    on_a_kind_one(|mut bench| {
        let name = bench.submit(sqe::nop());
        bench.name_next(name);
        bench.submit(sqe::nop());
    });
}

#[test]
#[should_panic(expected = "user_data was another's before")]
fn a_name_that_comes_again() {
    let mut strict = Faults::none();
    strict.unique_names = true;
    on(strict, |_| {
        let mut bench = Bench::new();
        let name = bench.submit(sqe::nop());
        bench.result(name);
        bench.name_next(name);
        bench.submit(sqe::nop());
    });
}

#[test]
#[should_panic(expected = "is provided again")]
fn a_buffer_that_is_provided_twice() {
    on_a_kind_one(|mut bench| {
        let group = Group::empty(&mut bench, 4, 16, false);
        let memory = bench.lend(Memory::zeroed(16));
        bench.provide(group.id, 0, &memory);
        bench.provide(group.id, 1, &memory);
    });
}

#[test]
#[should_panic(expected = "one too many for its group")]
fn a_buffer_too_many() {
    on_a_kind_one(|mut bench| {
        let group = Group::fixed(&mut bench, 2, 16);
        let memory = bench.lend(Memory::zeroed(16));
        bench.provide(group.id, 2, &memory);
    });
}

#[test]
#[should_panic(expected = "was written to while the kernel owned it")]
fn a_provided_buffer_that_is_written_to() {
    on_a_kind_one(|mut bench| {
        let group = Group::empty(&mut bench, 2, 16, false);
        let memory = bench.lend(Memory::zeroed(16));
        bench.provide(group.id, 0, &memory);
        memory.fill(1);
    });
}

#[test]
#[should_panic(expected = "a receive's memory was touched")]
fn a_receive_whose_memory_is_touched() {
    on_a_kind_one(|mut bench| {
        let (near, far) = bench.pair();
        let (memory, sqe) = bench.receiving(near, 8);
        bench.submit(sqe);
        memory.fill(1);
        bench.send(far, b"x");
    });
}

#[test]
#[should_panic(expected = "what is sent was changed")]
fn a_send_whose_bytes_are_changed() {
    let mut narrow = Faults::none();
    narrow.window = 4;
    on(narrow, |_| {
        let mut bench = Bench::new();
        let (near, _far) = bench.pair();
        let memory = bench.lend(Memory::zeroed(8));
        bench.submit(sqe::send(near, memory.start(), 8, super::sockets::SEND));
        memory.fill(1);
    });
}

#[test]
#[should_panic(expected = "was handed to it again")]
fn memory_that_two_receives_write_to() {
    on_a_kind_one(|mut bench| {
        let (near, far) = bench.pair();
        let (memory, sqe) = bench.receiving(near, 8);
        bench.submit(sqe);
        bench.submit(sqe::recv(far, memory.start(), 8, 0));
    });
}

#[test]
#[should_panic(expected = "a ring is closed with 1 operations in flight")]
fn a_ring_that_is_closed_under_an_operation() {
    on(Faults::none(), |_| {
        let mut bench = Bench::new();
        let event = bench.eventfd();
        bench.submit(sqe::poll_multi(event, libc::POLLIN as u32));
        bench.drop_ring();
    });
}

#[test]
#[should_panic(expected = "rings were not closed")]
fn a_ring_that_is_not_closed() {
    on_a_kind_one(std::mem::forget);
}

#[test]
#[should_panic(expected = "deadlock: nothing can happen")]
fn a_wait_for_nothing() {
    on_a_kind_one(|mut bench| {
        let event = bench.eventfd();
        bench.submit(sqe::poll_multi(event, libc::POLLIN as u32));
        bench.enter(Wait::Forever);
    });
}

#[test]
#[should_panic(expected = "deadlock: nothing can happen")]
fn a_wait_for_an_operation_that_is_stuck() {
    let mut stuck = Faults::none();
    stuck.stuck = Some(0);
    on(stuck, |_| {
        let mut bench = Bench::new();
        let event = bench.eventfd();
        bench.submit(sqe::poll_multi(event, libc::POLLIN as u32));
        eventfd_write(event, 1).unwrap();
        bench.enter(Wait::Forever);
    });
}

#[test]
#[should_panic(expected = "livelock: 101 steps and no end")]
fn no_end() {
    let mut few = Faults::none();
    few.steps = 100;
    on(few, |_| {
        let mut bench = Bench::new();
        loop {
            bench.enter(Wait::Poll);
        }
    });
}

/// What the reports above are for: the same seed gives the same run.
#[test]
fn a_seed_gives_the_same_run_again() {
    let run = |seed| {
        let machine = Machine::new(seed, Faults::cruel(seed));
        let installed = machine.install();
        let mut bench = Bench::new();
        let (listener, address) = bench.listener(4);
        machine.outside(move |machine| {
            let peer = machine.connect(address);
            peer.into_iter().for_each(|peer| assert!(peer.send(b"hello") <= 5));
            (machine.random(4) > 0).then_some(Duration::from_millis(1))
        });
        let mut results = Vec::new();
        for _ in 0..8 {
            let name = bench.submit(sqe::accept(listener, libc::SOCK_CLOEXEC));
            bench.settle();
            bench.submit(sqe::cancel(name).skip_success());
            let res = bench.result(name);
            results.push(res.min(0));
            if res >= 0 {
                let fd = bench.own(res);
                let (bytes, error) = bench.receive_all(fd);
                results.extend([bytes.len() as i32, error.unwrap_or(0)]);
            }
        }
        results.push(i32::try_from(bench.ring().now() % 1_000_000).unwrap());
        drop(bench);
        drop(installed);
        (results, machine.finish())
    };
    let mut runs = Vec::new();
    for seed in 0..20 {
        runs.push(run(seed));
        assert_eq!(run(seed), runs[runs.len() - 1]);
    }
    assert!(runs.windows(2).any(|two| two[0] != two[1]));
}
