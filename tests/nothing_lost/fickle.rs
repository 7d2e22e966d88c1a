//! Acceptors that go away for good, at the very moment when it is their turn, beside a few that
//! wait: what the one leaves another gets, without anybody calling `accept` again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ringio::net::TcpListener;
use ringio::{spawn, yield_now};

use crate::support::*;

use super::accepting::{Books, Client, losing_accept, turns};

/// Acceptors of one round that end early, those that wait, and the connections of the round: as
/// many as there are of those that wait.
const FICKLE: usize = 24;
const STEADY: usize = 12;
const CONNECTIONS: u32 = STEADY as u32;

const ROUNDS: u32 = 1_000;

/// One connection each for those that stay, whoever takes it.
async fn round(listener: &Rc<TcpListener>, books: &Rc<Books>, first: u32, seed: u64) {
    let address = listener.local_addr().unwrap();
    let mut random = Random(seed);
    let clients = Rc::new(RefCell::new(Vec::new()));
    let left = Rc::new(Cell::new(CONNECTIONS));
    let strike = {
        let (clients, left, books) = (clients.clone(), left.clone(), books.clone());
        Rc::new(move || {
            if let Some(less) = left.get().checked_sub(1) {
                left.set(less);
                clients.borrow_mut().push(Client::new(address, first + less));
                books.arrived.set(books.arrived.get() + 1);
            }
        })
    };
    let mut order = [[true; FICKLE].as_slice(), &[false; STEADY]].concat();
    for place in (1..order.len()).rev() {
        order.swap(place, random.below(place + 1));
    }
    let mut acceptors = Vec::new();
    for fickle in order {
        let (listener, books, strike) = (listener.clone(), books.clone(), strike.clone());
        let mut random = random.clone();
        random.0 ^= acceptors.len() as u64;
        acceptors.push(spawn(async move {
            if !fickle {
                return drop(books.serve(listener.accept().await.unwrap().0));
            }
            // Not all of them strike: the connections come while others wait.
            let strikes = random.below(2) == 0;
            let strike = || {
                if strikes {
                    strike()
                }
            };
            match losing_accept(&listener, &mut random, strike).await {
                Some(stream) => drop(books.serve(stream)),
                None => books.note_lost(),
            }
        }));
    }
    turns(random.below(4)).await;
    while left.get() > 0 {
        strike();
        turns(random.below(2)).await;
    }
    while !clients.borrow().is_empty() {
        clients.borrow_mut().retain_mut(|client: &mut Client| !client.is_answered());
        yield_now().await;
    }
    for acceptor in acceptors {
        acceptor.cancel();
        if acceptor.await.is_err() {
            books.note("accepts cancelled");
        }
    }
}

#[test]
fn whoever_stays_is_given_what_came_for_those_who_went() {
    let _alone = alone();
    let mut all = Seen::default();
    for seed in repetitions(11) {
        all.all_of(level(loops(seed), async move || {
            let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let books = Rc::new(Books::default());
            for number in 0..ROUNDS {
                let seed = seed << 32 | u64::from(number);
                round(&listener, &books, number * CONNECTIONS, seed).await;
            }
            books.assert_each_once((ROUNDS * CONNECTIONS) as usize);
            books.seen.take()
        }));
    }
    println!("accepts that end for good beside some that wait: {all}");
    let rounds = all.of("connections") / u64::from(CONNECTIONS);
    all.at_least("accepts lost", rounds * FICKLE as u64 / 2);
}
