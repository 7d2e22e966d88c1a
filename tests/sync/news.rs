//! Every small case of the channels and the cell: so many wait, one of them is dropped before or
//! after it was chosen, and so much is sent. Polls are counted: one to wait, and one to end.

use std::cell::Cell;
use std::rc::Rc;

use ringio::sync::{Event, OnceCell, broadcast, oneshot, watch};

use super::by_hand::Tasks;

/// How many wait, who of them is dropped, whether behind the sends, and how many sends there are.
#[derive(Clone, Copy, Debug)]
struct Case {
    waiters: usize,
    dropped: Option<usize>,
    late: bool,
    sends: u64,
}

fn cases() -> impl Iterator<Item = Case> {
    let sizes = (1..=5_usize).flat_map(|waiters| (1..=4).map(move |sends| (waiters, sends)));
    sizes.flat_map(|(waiters, sends)| {
        let dropped = (0..waiters).map(Some).chain([None]);
        dropped.flat_map(move |dropped| {
            [false, true].map(|late| Case { waiters, dropped, late, sends })
        })
    })
}

impl Case {
    /// Has the waiter leave, if this is the moment.
    fn drop<T>(self, tasks: &mut Tasks<'_, T>, late: bool) {
        if let Some(dropped) = self.dropped
            && self.late == late
        {
            tasks.drop(dropped);
        }
    }

    /// All who are left, in the order in which they came.
    fn left(self) -> Vec<usize> {
        (0..self.waiters).filter(|number| Some(*number) != self.dropped).collect()
    }
}

#[test]
fn watch_for_every_waiter_dropped_before_and_after() {
    for case in cases() {
        let (sender, receiver) = watch::channel(0);
        let mut tasks = Tasks::new();
        for _ in 0..case.waiters {
            let mut receiver = receiver.clone();
            tasks.waits(async move {
                receiver.changed().await.unwrap();
                let seen = *receiver.borrow_and_update();
                seen
            });
        }
        case.drop(&mut tasks, false);
        assert_eq!(
            sender.waiters(),
            case.waiters - usize::from(!case.late && case.dropped.is_some())
        );
        (1..=case.sends).for_each(|value| sender.send(value).unwrap());
        case.drop(&mut tasks, true);
        let expected: Vec<_> = case.left().into_iter().map(|number| (number, case.sends)).collect();
        assert_eq!(tasks.run(), expected, "{case:?}");
        assert!(case.left().into_iter().all(|number| tasks.polls[number] == 2), "{case:?}");
        assert_eq!(sender.waiters(), 0, "{case:?}");
    }
}

#[test]
fn broadcast_for_every_waiter_dropped_before_and_after() {
    for case in cases() {
        let (sender, receiver) = broadcast::channel(4);
        drop(receiver);
        let mut tasks = Tasks::new();
        for _ in 0..case.waiters {
            let mut receiver = sender.subscribe();
            tasks.waits(async move {
                let first = receiver.recv().await.unwrap();
                // What came meanwhile is there, in order.
                let rest = std::iter::from_fn(|| receiver.try_recv().unwrap());
                [first].into_iter().chain(rest).collect::<Vec<_>>()
            });
        }
        case.drop(&mut tasks, false);
        for value in 1..=case.sends {
            // Without a receiver it is given back.
            let anybody = case.late || !case.left().is_empty();
            assert_eq!(sender.send(value).is_ok(), anybody, "{case:?}");
        }
        case.drop(&mut tasks, true);
        let all: Vec<u64> = (1..=case.sends).collect();
        let expected: Vec<_> =
            case.left().into_iter().map(|number| (number, all.clone())).collect();
        assert_eq!(tasks.run(), expected, "{case:?}");
        assert!(case.left().into_iter().all(|number| tasks.polls[number] == 2), "{case:?}");
        assert_eq!(sender.waiters(), 0, "{case:?}");
    }
}

/// The first makes the value as soon as it may; the others wait for that, or go on in its place.
#[test]
fn once_cell_for_every_waiter_dropped_before_and_after() {
    for case in cases() {
        let (cell, may, made) = (OnceCell::new(), Event::new(), Cell::new(0));
        let make = async || {
            may.wait().await;
            made.set(made.get() + 1);
            7
        };
        let mut tasks = Tasks::new();
        for _ in 0..case.waiters {
            tasks.waits(async { *cell.get_or_init(make).await });
        }
        case.drop(&mut tasks, false);
        may.set();
        case.drop(&mut tasks, true);
        let expected: Vec<_> = case.left().into_iter().map(|number| (number, 7)).collect();
        assert_eq!(tasks.run(), expected, "{case:?}");
        assert_eq!(made.get(), usize::from(!case.left().is_empty()), "{case:?}");
        assert!(case.left().into_iter().all(|number| tasks.polls[number] == 2), "{case:?}");
        assert_eq!(cell.waiters(), 0, "{case:?}");
    }
}

/// Only one waits. What it was sent and does not take is given back, or dropped with it.
#[test]
fn oneshot_for_a_receiver_that_is_dropped_before_and_after() {
    for dropped in [None, Some(false), Some(true)] {
        let (sender, receiver) = oneshot::channel();
        let mut tasks = Tasks::new();
        tasks.waits(receiver);
        if dropped == Some(false) {
            tasks.drop(0);
        }
        let value = Rc::new(());
        assert_eq!(sender.send(value.clone()).is_ok(), dropped != Some(false));
        if dropped == Some(true) {
            tasks.drop(0);
        }
        let got = tasks.run().into_iter().filter(|(_, value)| value.is_ok()).count();
        assert_eq!(got, usize::from(dropped.is_none()));
        assert_eq!(Rc::strong_count(&value), 1);
        if dropped.is_none() {
            assert_eq!(tasks.polls, [2]);
        }
    }
    let (sender, receiver) = oneshot::channel::<()>();
    let mut tasks = Tasks::new();
    tasks.waits(receiver);
    drop(sender);
    assert!(matches!(tasks.run()[..], [(0, Err(_))]));
}
