//! `op::nop`: what happens to operations when the queues are full, whoever submits them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::join_all;
use ringio::net::{TcpListener, TcpStream};
use ringio::{Runner, op, spawn, stats, yield_now};

/// The smallest ring: eight entries, so that everything below overflows it many times.
fn tiny() -> Runner {
    Runner::builder().entries(8).buffers(2, 4096).build().unwrap()
}

#[test]
fn ten_thousand_at_once_all_complete_through_eight_entries() {
    tiny()
        .run(async {
            let done = join_all((0..10_000).map(|_| op::nop())).await;
            assert!(done.iter().all(Result::is_ok));
        })
        .unwrap();
}

#[test]
fn completions_that_overflow_the_queue_while_tasks_are_ready_are_not_lost() {
    tiny()
        .run(async {
            // Always ready: the loop never waits, so nothing but the flag tells of the overflow.
            let busy = spawn(async {
                loop {
                    yield_now().await;
                }
            });
            let tasks: Vec<_> = (0..2_000).map(|_| spawn(op::nop())).collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            // Its completion queue once had 2,048 places, whatever the submission queue had.
            assert!(stats().cq_overflows > 0, "{:?}", stats());
            busy.cancel();
        })
        .unwrap();
}

#[test]
fn dropped_in_flight_they_leave_their_slots_to_others() {
    tiny()
        .run(async {
            for _ in 0..100 {
                for _ in 0..100 {
                    let mut nop = pin!(op::nop());
                    let polled = nop.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(matches!(polled, Poll::Pending), "a no-op goes through the ring");
                }
                op::nop().await.unwrap();
            }
        })
        .unwrap();
}

#[test]
fn a_cancellation_is_not_lost_to_a_full_submission_queue() {
    tiny()
        .run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut ends = Vec::new();
            for _ in 0..50 {
                let client = TcpStream::connect(address).await.unwrap();
                let (server, _) = listener.accept().await.unwrap();
                ends.push((client, server));
            }
            // Every server has a receive in flight.
            for (_, server) in &mut ends {
                let mut read = pin!(server.read(Vec::with_capacity(10)));
                let polled = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(polled, Poll::Pending));
            }
            let (mut clients, servers): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
            // One poll queues 1,000 no-ops and 50 cancellations with their closes.
            let flood: Vec<_> = (0..1_000).map(|_| spawn(op::nop())).collect();
            drop(servers);
            for client in &mut clients {
                assert!(client.recv().await.unwrap().is_empty(), "the server's end was closed");
            }
            for task in flood {
                task.await.unwrap().unwrap();
            }
        })
        .unwrap();
}

#[test]
fn outside_a_loop_it_says_so() {
    let mut nop = pin!(op::nop());
    match nop.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => assert!(error.to_string().contains("ringio::run")),
        other => panic!("{other:?}"),
    }
}
