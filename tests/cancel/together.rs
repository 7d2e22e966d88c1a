//! All of it at once: clean-ups side by side, one within the other, in loops that try again, each of
//! which fails, panics, spawns, cancels others, or waits.

use std::cell::RefCell;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ringio::testing::ManualClock;
use ringio::time::sleep;
use ringio::{JoinHandle, Runner, cancel_scope, join, on_cancel, spawn, timeout, yield_now};

use crate::ms;
use crate::watchdog::bounded;

const LEVELS: usize = 8;

/// What a clean-up does, besides saying that it begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Does {
    Waits,
    Fails,
    Panics,
    Spawns,
    Cancels,
    TimesOut,
}

const ALL: [Does; 6] =
    [Does::Waits, Does::Fails, Does::Panics, Does::Spawns, Does::Cancels, Does::TimesOut];

/// Level, whether it stands around the deeper levels or beside them, and what it does.
type Place = (usize, bool, Does);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Begins(Place),
    Ends(Place),
    GoesOn,
}

#[derive(Default)]
struct World {
    said: RefCell<Vec<Said>>,
    victims: RefCell<Vec<JoinHandle<()>>>,
}

impl World {
    fn say(&self, what: Said) {
        self.said.borrow_mut().push(what);
    }
}

async fn clean_up(world: &Rc<World>, place: Place) {
    world.say(Said::Begins(place));
    match place.2 {
        Does::Waits => sleep(ms(3)).await,
        // Its error is its own matter; what it does about it may wait.
        Does::Fails => {
            let failed: io::Result<()> = async { Err(io::Error::other("not rolled back")) }.await;
            if failed.is_err() {
                yield_now().await;
            }
        }
        Does::Panics => {
            yield_now().await;
            panic!("in a clean-up");
        }
        Does::Spawns => {
            let deep = async { cancel_scope(async |_| sleep(ms(1)).await).await };
            assert_eq!(spawn(deep).await.unwrap(), Ok(()));
        }
        Does::Cancels => {
            let victim = world.victims.borrow_mut().pop().expect("there is one for each");
            assert!(victim.cancel());
            assert!(victim.await.unwrap_err().is_cancelled());
        }
        Does::TimesOut => assert!(timeout(ms(2), pending::<()>()).await.is_err()),
    }
    world.say(Said::Ends(place));
}

/// Two clean-ups in two branches, one of which has the deeper levels within, in a loop that would try
/// again for ever.
fn level(world: Rc<World>, level: usize) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        let (around, beside) = (ALL[level % ALL.len()], ALL[(level + 3) % ALL.len()]);
        loop {
            let deeper = async {
                match level {
                    LEVELS => pending().await,
                    _ => self::level(world.clone(), level + 1).await,
                }
            };
            join!(
                on_cancel(deeper, async || clean_up(&world, (level, true, around)).await),
                on_cancel(pending::<()>(), async || clean_up(&world, (level, false, beside)).await),
            );
            world.say(Said::GoesOn);
        }
    })
}

#[test]
fn clean_ups_eight_deep_side_by_side_in_loops_whatever_they_do() {
    bounded(|| {
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        let builder =
            Runner::builder().clock(ManualClock::new()).exception_handler(move |context| {
                assert_eq!(context.message, "a clean-up panicked: in a clean-up");
                count.fetch_add(1, SeqCst);
            });
        let mut runner = builder.build().unwrap();
        let world = Rc::<World>::default();
        let ended = runner.run(async {
            for _ in 0..2 * LEVELS {
                let stubborn = on_cancel(pending::<()>(), async || sleep(ms(1)).await);
                world.victims.borrow_mut().push(spawn(stubborn));
            }
            let task = spawn(level(world.clone(), 1));
            sleep(ms(1)).await;
            assert!(task.cancel());
            assert!(task.cancel());
            task.await
        });
        assert!(ended.unwrap().unwrap_err().is_cancelled());
        let said = world.said.take();
        let at = |what: &Said| {
            let mut found = said.iter().enumerate().filter(|(_, said)| *said == what);
            let first = found.next().map(|(at, _)| at);
            assert!(found.next().is_none(), "{what:?} twice");
            first
        };
        assert_eq!(at(&Said::GoesOn), None, "nothing goes on behind a clean-up");
        let (mut begun, mut panicked) = (0, 0);
        let mut deeper_has_ended = None;
        for level in (1..=LEVELS).rev() {
            let around = (level, true, ALL[level % ALL.len()]);
            let beside = (level, false, ALL[(level + 3) % ALL.len()]);
            let mut last = deeper_has_ended;
            for place in [around, beside] {
                let begins = at(&Said::Begins(place)).expect("it begins");
                let ends = at(&Said::Ends(place));
                begun += 1;
                panicked += usize::from(place.2 == Does::Panics);
                assert_eq!(ends.is_none(), place.2 == Does::Panics, "{place:?}");
                if place.1 {
                    assert!(deeper_has_ended < Some(begins), "{place:?} is not the innermost");
                }
                last = last.max(ends).max(Some(begins));
            }
            deeper_has_ended = last;
        }
        assert_eq!((begun, told.load(SeqCst)), (2 * LEVELS, panicked));
        assert!(panicked >= 2);
    });
}
