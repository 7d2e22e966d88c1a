//! Listeners whose owners stop to accept: what was accepted for them is counted in descriptors of
//! the process.

use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use ringio::net::{TcpListener, TcpStream};
use ringio::{spawn, timeout, yield_now};

use crate::support::*;

/// Connections that are accepted ahead of the `accept()` that takes them, at most.
const PARKED: usize = 64;

const CLIENTS: usize = 150;

/// What the owner did before it stalls; gives the connections that it took.
async fn before(listener: &Rc<TcpListener>, habit: usize) -> Vec<TcpStream> {
    let address = listener.local_addr().unwrap();
    let mut taken = Vec::new();
    match habit {
        // One accept, which a deadline ends.
        0 => drop(timeout(Duration::from_micros(200), listener.accept()).await.unwrap_err()),
        // Some served, then nothing.
        1 => {
            for _ in 0..20 {
                let _client = StdStream::connect(address).unwrap();
                taken.push(listener.accept().await.unwrap().0);
            }
        }
        // Many waited, and went.
        2 => {
            let accept = |listener: Rc<TcpListener>| async move { drop(listener.accept().await) };
            let waiters: Vec<_> = (0..30).map(|_| spawn(accept(listener.clone()))).collect();
            yield_now().await;
            waiters.iter().for_each(|waiter| _ = waiter.cancel());
            for waiter in waiters {
                waiter.await.unwrap_err();
            }
        }
        // One that is leaked.
        _ => {
            let mut accept = Box::pin(listener.accept());
            assert!(poll_once(&mut accept).await.is_pending());
            std::mem::forget(accept);
        }
    }
    taken
}

/// Descriptors above `base`, once they have been the same for many turns; never above `most`.
async fn settled(base: usize, most: usize) -> usize {
    let (mut last, mut same) = (0, 0);
    while same < 30 {
        yield_now().await;
        let now = descriptors() - base;
        assert!(now <= most, "{now} descriptors, of {most}");
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

#[test]
fn listeners_whose_owners_stall_accept_sixty_four_each_and_leave_the_rest() {
    let _alone = alone();
    run(async || {
        for habit in 0..4 {
            let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let address = listener.local_addr().unwrap();
            drop(before(&listener, habit).await);
            settle().await;
            let base = descriptors();
            let mut clients = Vec::new();
            for count in 1..=CLIENTS {
                clients.push(StdStream::connect(address).unwrap());
                yield_now().await;
                let accepted = descriptors() - base - count;
                assert!(accepted <= PARKED, "{accepted} accepted, habit {habit}");
            }
            let accepted = settled(base, CLIENTS + PARKED).await - CLIENTS;
            assert_eq!(accepted, PARKED, "habit {habit}");
            // The owner comes back now and then, and stalls again.
            let mut taken = 0;
            while taken < CLIENTS {
                for _ in 0..1 + taken % 7 {
                    let Some(accepted) = listener.accept().now_or_never() else { break };
                    let (stream, peer) = accepted.unwrap();
                    let client = &clients[taken];
                    assert_eq!(peer, client.local_addr().unwrap(), "in order, habit {habit}");
                    drop(stream);
                    taken += 1;
                }
                let ahead = settled(base, CLIENTS + PARKED).await - CLIENTS;
                assert_eq!(ahead, PARKED.min(CLIENTS - taken), "{taken} taken, habit {habit}");
            }
            let more = listener.accept().now_or_never();
            assert!(more.is_none(), "more than there were, habit {habit}");
        }
    });
}

/// A listener that is closed lets go of what it has accepted, and of what waits.
#[test]
fn what_was_accepted_for_nobody_goes_with_the_listener() {
    let _alone = alone();
    run(async || {
        for close in [false, true] {
            let base = descriptors();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            assert!(listener.accept().now_or_never().is_none());
            let clients: Vec<_> =
                (0..CLIENTS).map(|_| StdStream::connect(address).unwrap()).collect();
            let parked = settled(base, 1 + CLIENTS + PARKED).await - CLIENTS - 1;
            assert_eq!(parked, PARKED);
            if close {
                listener.close().await.unwrap();
            } else {
                drop(listener);
            }
            until(|| descriptors() == base + CLIENTS).await;
            for mut client in clients {
                // Reset, or ended: nobody is left who could answer.
                assert_eq!(std::io::Read::read(&mut client, &mut [0]).unwrap_or(0), 0);
            }
        }
    });
}
