//! What outlives its loop: chunks, sockets, join handles, wakers and remote handles, used in random
//! order, here and on other threads, while other loops come and go.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ringio::net::{OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream};
use ringio::{Chunk, JoinHandle, RemoteHandle, Runner, spawn};

use super::connection::end_by_reset;
use super::elsewhere::{Afar, Elsewhere};
use super::end::planned_panic;
use super::figures::times;
use super::quarantine::inspect;
use crate::support::*;

/// Threads, one after another, in the short mode, and loops on each.
const THREADS: usize = 5;
const LOOPS: usize = 200;

/// Things that are kept over the end of more than one loop.
const KEPT: usize = 60;

/// Something of a loop that has ended, or is about to.
enum Thing {
    /// With the place of its first byte.
    Chunk(Chunk, usize),
    Stream(TcpStream),
    Listener(TcpListener),
    Halves(OwnedReadHalf, OwnedWriteHalf),
    Read(OwnedReadHalf),
    Write(OwnedWriteHalf),
    Join(JoinHandle<usize>),
    Afar(Afar),
}

#[derive(Debug, Default)]
struct Uses {
    chunks: usize,
    sockets: usize,
    joins: usize,
    afar: usize,
    elsewhere: usize,
}

async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

fn connection() -> (TcpStream, std::net::TcpStream) {
    let (stream, peer) = pair();
    end_by_reset(&peer);
    (stream, peer)
}

/// Things of every kind, most of them with something in flight or parked.
async fn things(random: &mut Random, peers: &mut Vec<std::net::TcpStream>) -> Vec<Thing> {
    let mut things = Vec::new();
    let (mut stream, mut peer) = connection();
    let mut place = 0;
    for _ in 0..4 {
        let len = 1 + random.below(3000);
        peer.write_all(&pattern(place, len)).unwrap();
        let end = place + len;
        while place < end {
            let mut chunk = stream.recv().await.unwrap();
            assert_pattern(place, &chunk);
            let front = chunk.split_to(random.below(chunk.len()));
            let behind = place + front.len();
            things.push(Thing::Chunk(front, place));
            place = behind + chunk.len();
            things.push(Thing::Chunk(chunk, behind));
        }
    }
    // Parked bytes, and both directions in flight.
    drop(poll_once(&mut Box::pin(stream.recv())).await);
    peer.write_all(b"parked").unwrap();
    settle().await;
    drop(poll_once(&mut Box::pin(stream.write(vec![0; 300_000]))).await);
    things.push(Thing::Stream(stream));
    peers.push(peer);
    let (mut stream, peer) = connection();
    drop(poll_once(&mut Box::pin(stream.read(vec![0; 3000]))).await);
    things.push(Thing::Stream(stream));
    peers.push(peer);
    for part in 0..3 {
        let (stream, peer) = connection();
        let (mut read, write) = stream.into_split();
        drop(poll_once(&mut Box::pin(read.recv())).await);
        match part {
            0 => things.push(Thing::Halves(read, write)),
            1 => things.push(Thing::Read(read)),
            _ => things.extend([Thing::Write(write), Thing::Read(read)]),
        }
        peers.push(peer);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    drop(poll_once(&mut Box::pin(listener.accept())).await);
    peers.push(std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    things.push(Thing::Listener(listener));
    tasks(&mut things).await;
    for _ in 0..random.below(20) {
        let place = random.below(things.len());
        things.swap(0, place);
    }
    things
}

/// Tasks in every state, with their handles and wakers.
async fn tasks(things: &mut Vec<Thing>) {
    let finished = spawn(async { 7 });
    let panicked = spawn(async { planned_panic() });
    let cancelled = spawn(pending());
    let (tell, mut told) = (Rc::new(RefCell::new(Vec::new())), Vec::new());
    let inner = tell.clone();
    let waiting = spawn(async move {
        let own = waker().await;
        inner.borrow_mut().push(own);
        pending().await
    });
    settle().await;
    cancelled.cancel();
    settle().await;
    told.append(&mut tell.borrow_mut());
    told.push(waker().await);
    let unstarted = spawn(async { 8 });
    for join in [finished, panicked, cancelled, waiting, unstarted] {
        things.push(Thing::Join(join));
    }
    let handle = RemoteHandle::current();
    let finished = handle.spawn(|| async { pattern(0, 100) });
    settle().await;
    let waiting = handle.spawn(|| async { pending().await });
    settle().await;
    let unstarted = handle.spawn(|| async { pattern(0, 100) });
    for join in [finished, waiting, unstarted] {
        things.push(Thing::Afar(Afar::Join(join)));
    }
    things.extend(told.iter().map(|waker| Thing::Afar(Afar::Waker(waker.clone()))));
    things.extend(told.into_iter().map(|waker| Thing::Afar(Afar::Waker(waker))));
    things.push(Thing::Afar(Afar::Handle(handle.clone())));
    things.push(Thing::Afar(Afar::Handle(handle)));
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The loop of the socket has ended: everything but parked bytes is an error that says so.
fn expect_error<T>(polled: Poll<std::io::Result<T>>) {
    match polled {
        Poll::Ready(Ok(_)) => {}
        Poll::Ready(Err(error)) => {
            let known = [ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted, ErrorKind::Other];
            assert!(known.contains(&error.kind()), "{error}");
        }
        Poll::Pending => panic!("it waits for a loop that has ended"),
    }
}

/// Uses a thing once, and gives what is left of it.
fn used(thing: Thing, random: &mut Random, uses: &mut Uses) -> Vec<Thing> {
    match thing {
        Thing::Chunk(mut chunk, place) => {
            uses.chunks += 1;
            assert_pattern(place, &chunk);
            match random.below(4) {
                0 => return vec![Thing::Chunk(chunk, place)],
                1 => {}
                _ => return vec![],
            }
            let front = chunk.split_to(random.below(chunk.len() + 1));
            let behind = place + front.len();
            vec![Thing::Chunk(front, place), Thing::Chunk(chunk, behind)]
        }
        Thing::Stream(mut stream) => {
            uses.sockets += 1;
            match random.below(9) {
                0 => expect_error(poll(Box::pin(stream.recv()).as_mut())),
                1 => {
                    let polled = poll(Box::pin(stream.read(vec![0; 100])).as_mut());
                    expect_error(polled.map(|(result, _)| result));
                }
                2 => {
                    let polled = poll(Box::pin(stream.write("lost")).as_mut());
                    expect_error(polled.map(|(result, _)| result));
                }
                3 => expect_error(poll(Box::pin(stream.shutdown(Shutdown::Both)).as_mut())),
                4 => stream.abort(),
                5 => {
                    let (read, write) = stream.into_split();
                    return vec![Thing::Halves(read, write)];
                }
                6 => {
                    expect_error(poll(Box::pin(stream.into_std()).as_mut()));
                    return vec![];
                }
                7 => {
                    expect_error(poll(Box::pin(stream.close()).as_mut()));
                    return vec![];
                }
                _ => return vec![],
            }
            stream.peer_addr().ok();
            vec![Thing::Stream(stream)]
        }
        Thing::Listener(listener) => {
            uses.sockets += 1;
            match random.below(4) {
                0 => expect_error(poll(Box::pin(listener.accept()).as_mut())),
                1 => drop(listener.local_addr().unwrap()),
                2 => {
                    expect_error(poll(Box::pin(listener.close()).as_mut()));
                    return vec![];
                }
                _ => return vec![],
            }
            vec![Thing::Listener(listener)]
        }
        Thing::Halves(read, write) => {
            uses.sockets += 1;
            match random.below(3) {
                0 => vec![Thing::Stream(read.reunite(write).unwrap())],
                1 => vec![Thing::Write(write), Thing::Read(read)],
                _ => vec![Thing::Read(read), Thing::Write(write)],
            }
        }
        Thing::Read(mut read) => {
            uses.sockets += 1;
            if random.below(2) == 0 {
                return vec![];
            }
            expect_error(poll(Box::pin(read.recv()).as_mut()));
            vec![Thing::Read(read)]
        }
        Thing::Write(mut write) => {
            uses.sockets += 1;
            if random.below(2) == 0 {
                return vec![];
            }
            let polled = poll(Box::pin(write.write_all(vec![1; 100])).as_mut());
            expect_error(polled.map(|(result, _)| result));
            vec![Thing::Write(write)]
        }
        Thing::Join(mut join) => {
            uses.joins += 1;
            match random.below(5) {
                0 => assert!(!join.cancel(), "a task outlives its loop"),
                1 => assert!(join.is_finished()),
                2 => {
                    drop((join.id(), join.name(), format!("{join:?}")));
                }
                3 => {
                    match poll(Pin::new(&mut join)) {
                        Poll::Ready(Ok(number)) => assert!(matches!(number, 7 | 8)),
                        Poll::Ready(Err(error)) => drop(error),
                        Poll::Pending => panic!("a task outlives its loop"),
                    }
                    return vec![];
                }
                _ => return vec![],
            }
            vec![Thing::Join(join)]
        }
        Thing::Afar(afar) => {
            uses.afar += 1;
            afar.used(random).into_iter().map(Thing::Afar).collect()
        }
    }
}

/// On another loop: chunks are sent as they are, the rest is used as everywhere.
async fn use_on_another_loop(
    things: Vec<Thing>,
    random: &mut Random,
    uses: &mut Uses,
) -> Vec<Thing> {
    let (mut stream, mut peer) = connection();
    let mut left = Vec::new();
    for thing in things {
        match thing {
            Thing::Chunk(chunk, place) if random.below(2) == 0 => {
                uses.chunks += 1;
                let mut bytes = vec![0; chunk.len()];
                let (result, chunk) = stream.write_all(chunk).await;
                result.unwrap();
                std::io::Read::read_exact(&mut peer, &mut bytes).unwrap();
                assert_pattern(place, &bytes);
                assert_pattern(place, &chunk);
            }
            thing => left.extend(used(thing, random, uses)),
        }
    }
    left
}

/// One loop: its things are used while others are, after its end.
fn one_loop(kept: &mut Vec<Thing>, elsewhere: &Elsewhere, random: &mut Random, uses: &mut Uses) {
    let builder = Runner::builder().exception_handler(|_| {});
    let mut runner = match random.below(3) {
        0 => builder,
        1 => builder.buffers(4, 2048),
        _ => builder.buffers(16, 16 * 1024),
    }
    .build()
    .unwrap();
    let mut peers = Vec::new();
    let mut new = Vec::new();
    for thing in runner.run(things(random, &mut peers)).unwrap() {
        match thing {
            // They are used while the loop ends.
            Thing::Afar(afar) if random.below(3) > 0 => elsewhere.send(afar, random),
            thing => new.push(thing),
        }
    }
    peers.iter_mut().for_each(|peer| drop(peer.write(&[9; 500])));
    if random.below(3) == 0 {
        let panic = catch_unwind(AssertUnwindSafe(move || {
            let _runner = runner;
            planned_panic()
        }));
        panic.unwrap_err();
    } else {
        drop(runner);
    }
    peers.iter_mut().for_each(|peer| drop(peer.write(&[9; 500])));
    kept.append(&mut new);
    let mut chosen = Vec::new();
    while kept.len() > KEPT {
        chosen.push(kept.swap_remove(random.below(kept.len())));
    }
    for _ in 0..20 {
        chosen.push(kept.swap_remove(random.below(kept.len())));
    }
    if random.below(3) == 0 {
        let used = ringio::run(use_on_another_loop(chosen, random, uses));
        kept.extend(used);
        return;
    }
    for thing in chosen {
        match thing {
            Thing::Afar(afar) if random.below(2) == 0 => elsewhere.send(afar, random),
            thing => kept.extend(used(thing, random, uses)),
        }
    }
}

#[test]
fn what_outlives_its_loop_can_be_used_anywhere() {
    let elsewhere = Arc::new(Elsewhere::start());
    let mut total = Uses::default();
    for seed in 0..(THREADS * times()) as u64 {
        let elsewhere = elsewhere.clone();
        let uses = within(move || {
            let (mut kept, mut random, mut uses) = (Vec::new(), Random(seed), Uses::default());
            for _ in 0..LOOPS {
                one_loop(&mut kept, &elsewhere, &mut random, &mut uses);
            }
            uses
        });
        total.chunks += uses.chunks;
        total.sockets += uses.sockets;
        total.joins += uses.joins;
        total.afar += uses.afar;
        inspect();
    }
    total.elsewhere = Arc::into_inner(elsewhere).unwrap().end();
    inspect();
    println!(
        "{} loops, used after their end: {total:?}; 0 stray writes",
        THREADS * LOOPS * times()
    );
    assert!(total.chunks >= 1000 * times() && total.sockets >= 1000 * times());
    assert!(total.joins >= 1000 * times() && total.afar >= 1000 * times());
    assert!(total.elsewhere >= 1000 * times());
}
