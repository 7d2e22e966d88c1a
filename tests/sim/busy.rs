//! Beside a task that is always ready the loop never waits in the kernel: it enters only because it
//! has something to submit, or because the flags say so.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::{join, join_all};
use ringio::net::{TcpListener, TcpStream};
use ringio::op::nop;
use ringio::testing::sim::Faults;
use ringio::{spawn, yield_now};

use crate::seeds::{occurred, seeds};
use crate::support::{Random, assert_pattern, pattern};

/// Turns without an event after which something is starved. A refused enter, a cut submit and a
/// postponed operation cost a few each.
const TURNS: usize = 2000;

/// A queue of completions that overflows whenever a few operations end in one enter.
fn narrow(seed: u64) -> Faults {
    let mut faults = Faults::unkind(seed);
    faults.queues = ([4, 16, 256][(seed % 3) as usize], [4, 16][(seed % 2) as usize]);
    faults.queues.0 = faults.queues.0.min(faults.queues.1);
    faults
}

#[test]
fn a_task_that_is_always_ready_keeps_no_completion_from_others() {
    let seen = seeds("busy", 1000, narrow, |run| {
        let mut random = Random(run.random.next());
        run.run(async {
            let events = Rc::new(Cell::new(0));
            let others = spawn(others(events.clone(), Random(random.next())));
            let (mut last, mut turns) = (0, 0);
            while !others.is_finished() {
                yield_now().await;
                turns = if events.get() == last { turns + 1 } else { 0 };
                last = events.get();
                assert!(turns < TURNS, "nothing happened in {TURNS} turns, after {last} events");
            }
            others.await.unwrap();
        });
    });
    occurred(&seen, &[seen.overflows_awake], 1000);
}

/// Many operations at a time, and nothing to submit before they end.
async fn others(events: Rc<Cell<usize>>, mut random: Random) {
    let count = || events.set(events.get() + 1);
    for _ in 0..1 + random.below(4) {
        let nops = (0..1 + random.below(40)).map(|_| async {
            nop().await.unwrap();
            count();
        });
        join_all(nops).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pairs: Vec<_> = (0..random.below(6)).map(|_| random.below(3000)).collect();
        for len in pairs {
            let (near, far) = join(TcpStream::connect(address), listener.accept()).await;
            count();
            let (mut near, mut far) = (near.unwrap(), far.unwrap().0);
            let there = async {
                near.write_all(pattern(0, 1 + len)).await.0.unwrap();
                near.shutdown(std::net::Shutdown::Write).await.unwrap();
                count();
            };
            let here = async {
                let mut at = 0;
                loop {
                    let chunk = far.recv().await.unwrap();
                    count();
                    if chunk.is_empty() {
                        return assert_eq!(at, 1 + len);
                    }
                    assert_pattern(at, &chunk);
                    at += chunk.len();
                }
            };
            join(there, here).await;
        }
    }
}
