//! `stats()`: each number moves with what it counts, and with nothing else.

#[path = "support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::panic::catch_unwind;
use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use ringio::net::TcpListener;
use ringio::stream::copy;
use ringio::testing::ManualClock;
use ringio::time::{Instant, sleep};
use ringio::{RemoteHandle, Runner, op, spawn, stats, yield_now};
use support::{pair, peer, run, settle, start_peer, within};

#[test]
fn turns_and_polls_are_counted_one_by_one() {
    run(async || {
        yield_now().await;
        let before = stats();
        for _ in 0..100 {
            yield_now().await;
        }
        let after = stats();
        assert_eq!(after.turns - before.turns, 100);
        assert_eq!(after.polls - before.polls, 100);
        let others: Vec<_> = (0..50).map(|_| spawn(yield_now())).collect();
        for other in others {
            other.await.unwrap();
        }
        assert!(stats().polls - after.polls >= 2 * 50);
    });
}

#[test]
fn turns_without_a_word_to_the_kernel_do_not_enter_it() {
    run(async || {
        settle().await;
        let mut before = stats();
        for _ in 0..1_000 {
            yield_now().await;
        }
        let after = stats();
        (before.turns, before.polls) = (after.turns, after.polls);
        before.longest_turn = after.longest_turn;
        assert_eq!(after, before);
    });
}

#[test]
fn the_longest_turn_is_as_long_as_a_task_computes() {
    run(async || {
        let computes = Duration::from_millis(20);
        let began = Instant::now();
        while began.elapsed() < computes {}
        // The turn that computed is over when this goes on.
        yield_now().await;
        sleep(Duration::from_millis(1)).await;
        let longest = stats().longest_turn;
        assert!(longest >= computes, "{longest:?}");
        // Turns that have nothing to do with the kernel are not one without end.
        for _ in 0..100_000 {
            yield_now().await;
        }
        assert!(stats().longest_turn < began.elapsed() - Duration::from_millis(1));
    });
}

#[test]
fn operations_that_are_submitted_together_cost_one_enter() {
    run(async || {
        // The loop's doorbell goes in with the first.
        op::nop().await.unwrap();
        let before = stats();
        join_all((0..100).map(|_| op::nop())).await;
        let after = stats();
        assert_eq!(after.submissions - before.submissions, 100);
        assert_eq!(after.completions - before.completions, 100);
        assert_eq!(after.enters - before.enters, 1);
        assert_eq!((after.sq_full, after.cq_overflows), (0, 0));
    });
}

#[test]
fn full_queues_are_counted() {
    within(|| {
        let mut runner = Runner::builder().entries(8).build().unwrap();
        runner
            .run(async {
                op::nop().await.unwrap();
                let before = stats();
                let done = join_all((0..1_000).map(|_| op::nop())).await;
                assert!(done.iter().all(Result::is_ok));
                let after = stats();
                let full = after.sq_full - before.sq_full;
                assert_eq!(after.submissions - before.submissions, 1_000);
                // Every ninth at least; with the completion queue full they wait in line.
                assert!((1_000 / 9..1_000).contains(&full), "{full}");
                assert!(after.cq_overflows > before.cq_overflows, "{after:?}");
            })
            .unwrap();
    });
}

#[test]
fn a_dry_pool_is_counted() {
    within(|| {
        let mut runner = Runner::builder().buffers(2, 4096).build().unwrap();
        runner
            .run(async {
                let (mut ours, theirs) = pair();
                let before = stats();
                assert_eq!((before.buffers, before.buffers_available), (2, 2));
                let flood = vec![1; 1 << 16];
                let writer = thread::spawn(move || std::io::Write::write_all(&mut &theirs, &flood));
                let mut kept = Vec::new();
                let mut bytes = 0;
                while bytes < 1 << 16 {
                    kept.push(ours.recv().await.unwrap());
                    bytes += kept.last().map_or(0, |chunk| chunk.len());
                }
                let after = stats();
                assert_eq!(after.buffers, 2);
                assert!(after.buffers_available < 2, "chunks are kept");
                assert!(after.dry_spells > 0 && after.heap_receives > 0, "{after:?}");
                assert!(after.heap_receives <= after.dry_spells, "{after:?}");
                drop(kept);
                assert_eq!(stats().buffers_available, 2);
                writer.join().unwrap().unwrap();
            })
            .unwrap();
    });
}

#[test]
fn rounds_of_a_copy_through_a_pipe_are_counted() {
    run(async || {
        let ((mut from, left), (mut to, right)) = (pair(), pair());
        let copied = async |len: usize| {
            let (mut sender, mut receiver) =
                (left.try_clone().unwrap(), right.try_clone().unwrap());
            let sent = start_peer(move || sender.write_all(&vec![1; len]).unwrap());
            peer(move || receiver.read_exact(&mut vec![0; len]).unwrap()).await;
            sent.await;
            stats()
        };
        let _copying = spawn(async move {
            let ((mut read, _), (_, mut write)) = (from.split(), to.split());
            copy(&mut read, &mut write).await
        });
        let (few, many) = (copied(1_000).await, copied(8 << 20).await);
        assert_eq!(few.splices, 0);
        // At most the whole stream in pieces that are worth a round each.
        assert!((1..=8 << 20 >> 10).contains(&many.splices), "{}", many.splices);
        assert!(many.completions - few.completions >= many.splices, "a poll for each");
    });
}

#[test]
fn parks_are_counted_and_who_ended_them() {
    within(|| {
        let mut runner = Runner::builder().spin(Duration::ZERO).build().unwrap();
        runner
            .run(async {
                let before = stats();
                // On a machine that stalls, a sleep may be over before the loop can park.
                let mut sleeps = 0;
                while stats().parks - before.parks < 10 {
                    sleep(Duration::from_micros(200)).await;
                    sleeps += 1;
                    assert!(sleeps < 1_000, "parks are not counted");
                }
                let slept = stats();
                assert_eq!(slept.remote_wakes, before.remote_wakes);
                let handle = RemoteHandle::current();
                for _ in 0..10 {
                    let handle = handle.clone();
                    // The loop has nothing to do until the thread's own end wakes it.
                    peer(move || handle.call(|| ()).unwrap()).await;
                }
                let woken = stats();
                assert!((1..=20).contains(&(woken.remote_wakes - slept.remote_wakes)));
                assert!(woken.parks - slept.parks >= woken.remote_wakes - slept.remote_wakes);
                assert_eq!((woken.spins_won, woken.spins_lost), (0, 0));
            })
            .unwrap();
    });
}

#[test]
fn spins_are_won_or_lost() {
    run(async || {
        let (mut client, mut server) = support::ring_pair();
        let before = stats();
        for _ in 0..200 {
            client.write_all("ping").await.0.unwrap();
            drop(server.recv().await.unwrap());
        }
        let after = stats();
        let spins = (after.spins_won + after.spins_lost) - (before.spins_won + before.spins_lost);
        assert!(spins <= after.turns - before.turns);
        assert!(after.spins_lost <= after.parks, "who lost a spin parks");
    });
}

#[test]
fn they_go_on_from_run_to_run_and_stay_after_the_end() {
    within(|| {
        let mut runner = Runner::builder().clock(ManualClock::new()).build().unwrap();
        let fresh = runner.stats();
        assert_eq!((fresh.turns, fresh.polls, fresh.enters, fresh.submissions), (0, 0, 0, 0));
        assert_eq!(fresh.buffers, fresh.buffers_available);
        runner.run(op::nop()).unwrap().unwrap();
        let first = runner.stats();
        let inside = runner.run(async { stats() }).unwrap();
        assert!(inside.turns > first.turns && first.turns > 0);
        let last = runner.stats();
        runner.close();
        let closed = runner.stats();
        assert!(closed.turns >= last.turns && closed.completions >= last.completions);
    });
}

#[test]
fn each_loop_has_its_own() {
    within(|| {
        let mut busy = Runner::builder().build().unwrap();
        let idle = Runner::builder().build().unwrap();
        busy.run(async {
            for _ in 0..100 {
                yield_now().await;
            }
        })
        .unwrap();
        assert!(busy.stats().turns > 100);
        assert_eq!(idle.stats().turns, 0);
    });
}

#[test]
fn outside_a_loop_it_says_so() {
    let message = *catch_unwind(stats).unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("ringio::run"), "{message}");
    ringio::run(async { _ = stats() });
    assert!(catch_unwind(stats).is_err(), "the loop is over");
}

#[test]
fn a_connection_of_one_request_takes_four_operations() {
    const CONNECTIONS: u64 = 100;
    run(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = std::thread::spawn(move || {
            for _ in 0..CONNECTIONS {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(b"request").unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).unwrap();
                assert_eq!(answer, b"request");
            }
        });
        let before = stats().submissions;
        for _ in 0..CONNECTIONS {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = stream.recv().await.unwrap();
            stream.write_all(request).await.0.unwrap();
            stream.close().await.unwrap();
        }
        // Accept, receive, send, close. The first accepts, and the loop's own, come on top.
        let each = (stats().submissions - before) / CONNECTIONS;
        assert_eq!(each, 4);
        client.join().unwrap();
    });
}
