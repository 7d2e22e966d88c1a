//! Fifty connections of one loop: each has its turn, however busy the others are.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::pin;
use std::rc::Rc;

use ringio::net::TcpStream;
use ringio::{Builder, JoinHandle, Runner, spawn, stats, yield_now};

use super::load::{Load, Probe, Waits, now, rounds};
use crate::support::{Random, pair, settle, until, within};

const CONNECTIONS: usize = 50;

/// What one receiver has had.
#[derive(Clone, Copy, Debug, Default)]
struct Served {
    messages: u64,
    bytes: u64,
    /// The turn of the last message.
    turn: u64,
    /// The longest time between two messages, in turns.
    gap: u64,
}

type Counts = Rc<Vec<Cell<Served>>>;

/// A task that always receives. It checks that the loop never serves it twice in one turn.
fn receiver(own: usize, mut stream: TcpStream, counts: &Counts) -> JoinHandle<()> {
    let counts = counts.clone();
    spawn(async move {
        let mut receive = pin!(async move {
            loop {
                let chunk = stream.recv().await.unwrap();
                assert!(!chunk.is_empty());
                let Served { messages, bytes, turn, gap } = counts[own].get();
                counts[own].set(Served {
                    messages: messages + 1,
                    bytes: bytes + chunk.len() as u64,
                    turn: now(),
                    gap: gap.max(now() - turn),
                });
            }
        });
        let mut last = 0;
        poll_fn(|cx| {
            assert!(now() > last, "served twice in turn {last}");
            last = now();
            receive.as_mut().poll(cx)
        })
        .await
    })
}

fn connections() -> (Vec<TcpStream>, Vec<std::net::TcpStream>) {
    (0..CONNECTIONS).map(|_| pair()).unzip()
}

/// Sends what fits, so that there is always more to receive.
fn fill(peers: &mut [std::net::TcpStream]) {
    for peer in peers {
        loop {
            match peer.write(&[7; 64 * 1024]) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The least and the most of a number of each connection.
fn range(counts: &Counts, number: impl Fn(Served) -> u64) -> (u64, u64) {
    let all = counts.iter().map(|count| number(count.get()));
    (all.clone().min().unwrap(), all.max().unwrap())
}

/// All fifty always have more to receive, for some windows of turns: each gets its share of the
/// messages and bytes, and none waits for more than `longest` turns.
fn all_busy(name: &'static str, builder: fn() -> Builder, window: u64, longest: u64) {
    within(move || {
        let body = async {
            let (streams, mut peers) = connections();
            for peer in &peers {
                peer.set_nonblocking(true).unwrap();
            }
            let counts: Counts = Rc::new(vec![Cell::default(); CONNECTIONS]);
            let receive = |(own, stream)| receiver(own, stream, &counts);
            let receivers: Vec<_> = streams.into_iter().enumerate().map(receive).collect();
            for _ in 0..rounds(3) {
                let fresh = Served { turn: now(), ..Served::default() };
                counts.iter().for_each(|count| count.set(fresh));
                let end = now() + window;
                while now() < end {
                    fill(&mut peers);
                    yield_now().await;
                }
                let messages = range(&counts, |served| served.messages);
                let bytes = range(&counts, |served| served.bytes);
                let (_, gap) = range(&counts, |served| served.gap);
                println!(
                    "{name}, {window} turns: messages {messages:?}, bytes {bytes:?}, longest gap {gap}"
                );
                // All are served equally often, but a go with both of two buffers brings twice what
                // one into the heap does.
                assert!(messages.0 > 0 && messages.1 <= 3 * messages.0, "{messages:?}");
                assert!(bytes.1 <= 3 * bytes.0, "{bytes:?}");
                assert!(gap <= longest, "a connection waited {gap} turns");
            }
            for receiver in &receivers {
                assert!(!receiver.is_finished());
                receiver.cancel();
            }
        };
        builder().build().unwrap().run(body).unwrap();
    });
}

#[test]
fn fifty_busy_connections_share_the_loop() {
    all_busy("usual buffers", Runner::builder, 50, 8);
}

#[test]
fn fifty_busy_connections_share_two_buffers() {
    all_busy("two buffers", || Runner::builder().buffers(2, 16 * 1024), 200, 24);
}

/// One connection is flooded from a thread and by this one, 49 get a message now and then.
fn one_busy(name: &'static str, builder: fn() -> Builder, limit: u64) {
    within(move || {
        let body = async {
            let load = Load::all();
            let (mut streams, mut peers) = connections();
            let counts: Counts = Rc::new(vec![Cell::default(); CONNECTIONS]);
            peers[0].set_nonblocking(true).unwrap();
            let probes: Vec<_> = streams.iter().map(Probe::new).collect();
            let flooded = receiver(0, streams.remove(0), &counts);
            let waits = Rc::new(RefCell::new(Waits::default()));
            let since = Rc::new(vec![Cell::new(None); CONNECTIONS]);
            let light: Vec<_> = streams
                .into_iter()
                .zip(1..)
                .map(|(mut stream, own): (TcpStream, usize)| {
                    let (since, waits) = (since.clone(), waits.clone());
                    spawn(async move {
                        loop {
                            // Where a buffer ends it comes in two pieces, and waits twice.
                            let mut left = 64;
                            while left > 0 {
                                left -= stream.recv().await.unwrap().len();
                                let began = since[own].take().expect("a message was sent");
                                waits.borrow_mut().over(began, limit, "a light connection");
                                since[own].set((left > 0).then(now));
                            }
                        }
                    })
                })
                .collect();
            // A task that has not begun waits for nothing yet.
            settle().await;
            for _ in 0..rounds(300) {
                fill(&mut peers[..1]);
                for (own, peer) in peers.iter_mut().enumerate().skip(1) {
                    peer.write_all(&[1; 64]).unwrap();
                    since[own].set(Some(probes[own].ready()));
                }
                until(|| {
                    assert!(light.iter().all(|task| !task.is_finished()), "a receiver has failed");
                    fill(&mut peers[..1]);
                    since.iter().all(|since| since.get().is_none())
                })
                .await;
            }
            let bytes = load.flooded.get() + counts[0].get().bytes;
            println!("{name}: {:?}, {bytes} bytes of the floods, {:?}", waits.borrow(), stats());
            assert!(!flooded.is_finished() && counts[0].get().messages > 0);
        };
        builder().build().unwrap().run(body).unwrap();
    });
}

/// The kernel hands out the events of twenty sockets a call (Linux 6.18), the oldest first: after
/// three turns it has done so with all that became ready at once. One more if there was no buffer.
const ALL_AT_ONCE: u64 = (CONNECTIONS as u64 + 1).div_ceil(20) + 1;

#[test]
fn one_busy_connection_does_not_starve_49_others() {
    one_busy("49 beside floods", Runner::builder, ALL_AT_ONCE);
}

/// With less than two buffers for the floods alone the others stand in line for one, and after 16
/// turns receive into the heap.
#[test]
fn one_busy_connection_does_not_starve_49_others_of_buffers() {
    one_busy(
        "49 beside floods, two buffers",
        || Runner::builder().buffers(2, 4096),
        ALL_AT_ONCE + 17,
    );
}

/// With two buffers and a flood that takes both at each go, whoever found none behind the flood
/// once stood behind it again in the next turn, and so on for ever.
#[test]
fn whoever_found_no_buffer_keeps_its_place_in_line() {
    within(|| {
        let body = async {
            let _load = Load::default().always_ready();
            let mut random = Random(3);
            let (streams, mut floods): (Vec<_>, Vec<_>) = (0..3).map(|_| pair()).unzip();
            for peer in &floods {
                peer.set_nonblocking(true).unwrap();
            }
            let counts: Counts = Rc::new(vec![Cell::default(); floods.len()]);
            let receive = |(own, stream)| receiver(own, stream, &counts);
            let flooded: Vec<_> = streams.into_iter().enumerate().map(receive).collect();
            let (mut light, mut sender) = pair();
            let probe = Probe::new(&light);
            let mut waits = Waits::default();
            for _ in 0..rounds(2_000) {
                sender.write_all(&[1; 64]).unwrap();
                let began = probe.ready();
                // Which of them go on, and which stand in line when, is left to chance.
                let busy = random.below(8);
                let mut left = 64;
                while left > 0 {
                    let mut receive = pin!(light.recv());
                    let chunk = poll_fn(|cx| {
                        for (own, flood) in floods.iter_mut().enumerate() {
                            if busy & 1 << own != 0 {
                                fill(std::slice::from_mut(flood));
                            }
                        }
                        assert!(now() - began <= 20, "{} turns, {:?}", now() - began, stats());
                        cx.waker().wake_by_ref();
                        receive.as_mut().poll(cx)
                    });
                    left -= chunk.await.unwrap().len();
                }
                waits.over(began, 20, "a light connection");
                for _ in 0..random.below(4) {
                    yield_now().await;
                }
            }
            println!(
                "one beside floods, two buffers: {waits:?}, {:?}",
                range(&counts, |served| served.messages)
            );
            assert!(!flooded.iter().any(JoinHandle::is_finished));
        };
        Runner::builder().buffers(2, 4096).build().unwrap().run(body).unwrap();
    });
}
