//! Task groups whose children are busy with connections, under futures of every fate.

use std::cell::Cell;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::testing::sim::Faults;
use ringio::time::sleep;
use ringio::{TaskGroup, gather, on_cancel, spawn, task_group, timeout, yield_now};

use crate::seeds::{occurred, seeds};
use crate::support::{Fate, Random};

/// What children borrow. Freed memory is spoiled: one that looks at it too late finds no mark.
struct Lent {
    mark: Cell<u64>,
    alive: Cell<usize>,
    ended: Cell<usize>,
    /// Some were cancelled on purpose.
    cut: Cell<bool>,
}

const MARK: u64 = 0x0123_4567_89ab_cdef;

/// A child's hold on what it borrows, from its first poll to its last word.
struct Hold<'env>(&'env Lent);

impl<'env> Hold<'env> {
    fn new(lent: &'env Lent) -> Self {
        lent.alive.set(lent.alive.get() + 1);
        Hold(lent).looked_at()
    }

    fn looked_at(self) -> Self {
        assert_eq!(self.0.mark.get(), MARK, "a child looks at memory that is gone");
        self
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        assert_eq!(self.0.mark.get(), MARK, "a child is dropped behind what it borrows");
        self.0.alive.set(self.0.alive.get() - 1);
    }
}

#[test]
fn children_end_with_their_group_whatever_becomes_of_it() {
    let seen = seeds("grouping", 3000, Faults::unkind, |run| {
        let (mut random, forgets) = (Random(run.random.next()), run.forgets);
        let cancels = random.below(3) == 0;
        run.run(async {
            let main = spawn(groups(Random(random.next()), forgets));
            if cancels {
                sleep(Duration::from_micros(random.below(3000) as u64)).await;
                main.cancel();
            }
            match main.await {
                Ok(()) => {}
                Err(error) => assert!(cancels && error.is_cancelled(), "{error}"),
            }
        });
    });
    occurred(&seen, &[seen.cancelled, seen.late_cancels, seen.overflows_awake], 1000);
}

async fn groups(mut random: Random, forgets: bool) {
    for _ in 0..1 + random.below(4) {
        let lent = Box::new(Lent {
            mark: Cell::new(MARK),
            alive: Cell::new(0),
            ended: Cell::new(0),
            cut: Cell::new(false),
        });
        let children = random.below(12);
        let body = Random(random.next());
        let is_forgotten = forgets && random.below(4) == 0;
        let group =
            task_group(async |group| lead(group, &lent, body, children, is_forgotten).await);
        let fate = Fate::random(&mut random).forgotten_if(is_forgotten);
        let (outcome, _) = fate.befall(group).await;
        match outcome {
            Some(Ok(())) => {
                let all = lent.ended.get() == children;
                assert!(all || lent.cut.get(), "a child was left behind");
            }
            Some(Err(error)) => assert!(error.errors().iter().all(|&nth| nth < children)),
            None => {}
        }
        if !is_forgotten {
            assert_eq!(lent.alive.get(), 0, "a child outlives its group");
        }
    }
}

async fn lead<'env>(
    group: &TaskGroup<'env, usize>,
    lent: &'env Lent,
    mut random: Random,
    children: usize,
    is_forgotten: bool,
) -> Result<(), usize> {
    let failing = random.below(4) == 0;
    for nth in 0..children {
        let (fails, own) = (failing && random.below(children) == 0, Random(random.next()));
        let what = if is_forgotten { 2 + random.below(2) } else { random.below(4) };
        let child = group.spawn(work(group.clone(), lent, own, what, nth, fails));
        match random.below(12) {
            0 => drop(child),
            1 => _ = timeout(Duration::from_micros(random.below(300) as u64), child).await,
            2 if failing => lent.cut.set(child.cancel() || lent.cut.get()),
            3 => yield_now().await,
            _ => {}
        }
    }
    match random.below(16) {
        0 if failing => {
            lent.cut.set(true);
            group.cancel();
        }
        1 => sleep(Duration::from_micros(random.below(300) as u64)).await,
        _ => {}
    }
    Ok(())
}

/// Sends a few bytes to itself, maybe with a clean-up; or has children of its own. One that is
/// forgotten must own no socket, which nobody would close.
async fn work<'env>(
    group: TaskGroup<'env, usize>,
    lent: &'env Lent,
    mut random: Random,
    what: usize,
    nth: usize,
    fails: bool,
) -> Result<(), usize> {
    let hold = Hold::new(lent);
    match what {
        0 => {
            let (one, two) = (there_and_back(&mut random).await, Cell::new(0));
            gather([1, 2].map(async |len: u8| two.set(two.get() + len))).await;
            assert_eq!((one, two.get()), (true, 3));
        }
        1 => {
            let trip = async { assert!(there_and_back(&mut random).await) };
            on_cancel(trip, async || {
                yield_now().await;
                let _hold = Hold::new(lent);
            })
            .await;
        }
        2 => {
            let inner = task_group::<_, (), _>(async |inner| {
                let child = inner.spawn(async {
                    let _hold = Hold::new(lent);
                    sleep(Duration::from_micros(50)).await;
                    Ok(())
                });
                Ok(child.await.is_ok())
            });
            assert_eq!(inner.await, Ok(true));
        }
        _ => {
            let sibling = group.spawn(async move {
                let _hold = Hold::new(lent);
                yield_now().await;
                Ok(())
            });
            // Its group may have been closed meanwhile.
            let _ = sibling.await;
        }
    }
    lent.ended.set(lent.ended.get() + 1);
    drop(hold.looked_at());
    if fails { Err(nth) } else { Ok(()) }
}

async fn there_and_back(random: &mut Random) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bytes = vec![7; 1 + random.below(300)];
    let (near, far) = ringio::join!(TcpStream::connect(address), listener.accept());
    let (mut near, mut far) = (near.unwrap(), far.unwrap().0);
    near.write_all(bytes.clone()).await.0.unwrap();
    let (result, back) = far.read_exact(Vec::with_capacity(bytes.len())).await;
    result.unwrap();
    back == bytes
}
