//! Loops that end with everything in flight, and what outlives them.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::op::nop;
use ringio::stream::copy_bidirectional;
use ringio::testing::sim::Faults;
use ringio::time::sleep;
use ringio::{Chunk, JoinHandle, spawn, timeout, yield_now};

use crate::seeds::{occurred, seeds};
use crate::support::{Random, assert_pattern, pattern, poll_once};

/// What is used or dropped after its loop.
#[derive(Default)]
struct Left {
    chunks: Vec<Chunk>,
    streams: Vec<TcpStream>,
    listeners: Vec<TcpListener>,
    handles: Vec<JoinHandle<()>>,
    futures: Vec<Pin<Box<dyn Future<Output = ()>>>>,
}

#[test]
fn a_loop_ends_with_everything_in_flight_and_leaves_nothing() {
    let seen = seeds("ending", 3000, Faults::cruel, |run| {
        let mut random = Random(run.random.next());
        let left = Rc::new(RefCell::new(Left::default()));
        let mut runner = run.builder().build().unwrap();
        let handle = runner.handle();
        for _ in 0..random.below(3) {
            runner.run(begin(left.clone(), Random(random.next()))).unwrap();
        }
        drop(runner);
        let left = left.take();
        left.chunks.iter().for_each(|chunk| assert_pattern(0, chunk));
        left.handles.iter().for_each(|handle| assert!(handle.is_finished()));
        assert!(handle.call(|| ()).is_err(), "the loop has ended");
    });
    occurred(&seen, &[seen.cancelled], 10_000);
}

/// Begins operations of every kind, and ends in the middle of them.
async fn begin(left: Rc<RefCell<Left>>, mut random: Random) {
    for _ in 0..1 + random.below(6) {
        let Ok(listener) = TcpListener::bind("127.0.0.1:0").await else { continue };
        let Ok(address) = listener.local_addr() else { continue };
        let Ok(mut near) = TcpStream::connect(address).await else { continue };
        // It may have died in the backlog: then there is nobody at the other end.
        let far = timeout(Duration::from_millis(1), listener.accept()).await;
        match random.below(8) {
            0 => {
                let task = spawn(async move { while listener.accept().await.is_ok() {} });
                left.borrow_mut().handles.push(task);
            }
            1 => left.borrow_mut().listeners.push(listener),
            2 => {
                let accept = async move {
                    let _ = listener.accept().await;
                };
                begun(&left, accept).await;
            }
            _ => {}
        }
        if let Ok(Ok((mut far, _))) = far {
            if near.write_all(pattern(0, 1 + random.below(2000))).await.0.is_ok()
                && let Ok(chunk) = far.recv().await
            {
                left.borrow_mut().chunks.push(chunk);
            }
            left.borrow_mut().handles.push(hold(far, &mut random));
        }
        match random.below(3) {
            0 => left.borrow_mut().streams.push(near),
            _ => left.borrow_mut().handles.push(hold(near, &mut random)),
        }
    }
    for _ in 0..random.below(6) {
        yield_now().await;
    }
    copy_between(&mut left.borrow_mut());
    begun(&left, sleep(Duration::from_secs(1))).await;
    begun(&left, async { drop(nop().await) }).await;
}

/// Polls a future once and keeps it.
async fn begun(left: &RefCell<Left>, future: impl Future<Output = ()> + 'static) {
    let mut future = Box::pin(future);
    let _ = poll_once(&mut future).await;
    left.borrow_mut().futures.push(future);
}

/// Copies between two of the streams that are left, if there are two.
fn copy_between(left: &mut Left) {
    if left.streams.len() > 1
        && let (Some(mut one), Some(mut two)) = (left.streams.pop(), left.streams.pop())
    {
        left.handles.push(spawn(async move {
            let _ = copy_bidirectional(&mut one, &mut two).await;
        }));
    }
}

/// A task that has something in flight for as long as it may.
fn hold(mut stream: TcpStream, random: &mut Random) -> JoinHandle<()> {
    let (kind, size) = (random.below(6), 1 + random.below(40_000));
    spawn(async move {
        loop {
            let failed = match kind {
                0 => stream.recv().await.map_or(true, |chunk| chunk.is_empty()),
                1 => stream.read(Vec::with_capacity(size)).await.0.unwrap_or(0) == 0,
                2 => stream.read_exact(Vec::with_capacity(size)).await.0.is_err(),
                3 => stream.write_all(vec![7; size]).await.0.is_err(),
                4 => stream.shutdown(std::net::Shutdown::Write).await.is_err(),
                _ => return drop(stream.close().await),
            };
            if failed {
                return;
            }
            yield_now().await;
        }
    })
}
