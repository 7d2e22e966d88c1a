//! Memory that the kernel reads when an operation is submitted: the address of a connect whose
//! future is dropped before the loop comes to enter the kernel.

use std::mem::forget;
use std::net::{Ipv4Addr, TcpListener};

use ringio::Runner;
use ringio::net::TcpStream;
use ringio::op::nop;

use super::connection::end_by_reset;
use super::end::End;
use super::quarantine::inspect;
use crate::support::*;

/// Rounds for each number of polls.
const ROUNDS: usize = 100;

/// Polls after which a connect has been submitted, and more.
const POLLS: usize = 6;

#[test]
fn the_address_of_a_connect_outlives_its_future() {
    within(|| {
        for end in [End::Dropped, End::Forgotten, End::Panicked] {
            let mut runner = Runner::builder().build().unwrap();
            let arrived = runner.run(arrivals(end)).unwrap();
            // A connect that was queued is submitted before the cancellation behind it, and then
            // it is done at once: if the kernel can read the address.
            assert!(arrived.contains(&ROUNDS), "{end:?}: {arrived:?} of {ROUNDS} each");
            assert_eq!(arrived[0], 0);
        }
        inspect();
    });
}

/// How many connections arrive, by the number of polls before the future ends. What is freed
/// meanwhile is overwritten at once.
async fn arrivals(end: End) -> Vec<usize> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let mut arrived = Vec::new();
    for polls in 0..POLLS {
        arrived.push(0);
        for _ in 0..ROUNDS {
            let mut future = Box::pin(TcpStream::connect(address));
            let mut ended = None;
            for poll in 0..polls {
                if poll > 0 {
                    nop().await.unwrap();
                }
                if let std::task::Poll::Ready(connected) = poll_once(&mut future).await {
                    ended = Some(connected.unwrap());
                    break;
                }
            }
            if ended.is_none() {
                end.befall(future, forget);
                nop().await.unwrap();
                nop().await.unwrap();
            }
            while let Ok((socket, _)) = listener.accept() {
                end_by_reset(&socket);
                arrived[polls] += usize::from(ended.is_none());
            }
        }
    }
    arrived
}
