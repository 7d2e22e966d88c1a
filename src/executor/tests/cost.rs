//! Loops to count instructions in, by hand: `ROUNDS=n` under callgrind, twice, and the difference.

use super::*;
use crate::executor::header::Header;
use crate::executor::yield_now;

fn rounds() -> usize {
    std::env::var("ROUNDS").map_or(100, |rounds| rounds.parse().unwrap())
}

#[test]
fn spawn_and_join_one_at_a_time() {
    let ex = executor();
    let _guard = ex.enter();
    for _ in 0..rounds() {
        let mut handle = spawn(&ex, async { 1 });
        ex.run_ready(256);
        assert!(matches!(poll_once(&mut handle), Poll::Ready(Ok(1))));
    }
}

#[test]
fn spawn_many_then_join() {
    let ex = executor();
    let _guard = ex.enter();
    let mut handles = Vec::with_capacity(1000);
    for _ in 0..rounds() {
        handles.extend((0..1000).map(|_| spawn(&ex, async { 1 })));
        settle(&ex);
        for handle in handles.drain(..) {
            assert!(matches!(poll_once(handle), Poll::Ready(Ok(1))));
        }
    }
}

#[test]
fn yield_among_many() {
    let ex = executor();
    let _guard = ex.enter();
    for _ in 0..1000 {
        drop(spawn(&ex, async {
            loop {
                yield_now().await;
            }
        }));
    }
    for _ in 0..rounds() {
        assert_eq!(ex.run_ready(1000), 1000);
    }
}

#[test]
fn wake_by_value_at_home() {
    let ex = executor();
    let _guard = ex.enter();
    let slot: Rc<Cell<Option<Waker>>> = Rc::default();
    let theirs = slot.clone();
    drop(spawn(
        &ex,
        poll_fn(move |cx| {
            theirs.set(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }),
    ));
    for _ in 0..rounds() {
        ex.run_ready(256);
        slot.take().unwrap().wake();
    }
}

#[test]
fn a_header_is_small_for_there_may_be_millions() {
    // Two cache lines.
    assert!(size_of::<Header>() <= 120);
}
