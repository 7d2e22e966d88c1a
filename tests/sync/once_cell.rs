//! Made once, by who comes first.

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ringio::sync::OnceCell;

use super::by_hand::{Tasks, now};

#[test]
fn it_is_made_once() {
    let made = Cell::new(0);
    let cell = OnceCell::new();
    let make = async || {
        made.set(made.get() + 1);
        made.get()
    };
    assert_eq!((cell.get(), *now(cell.get_or_init(make))), (None, 1));
    assert_eq!((*now(cell.get_or_init(make)), cell.get()), (1, Some(&1)));
    assert_eq!((cell.set(5), cell.into_inner()), (Err(5), Some(1)));
}

#[test]
fn an_error_leaves_it_to_the_next() {
    let cell = OnceCell::new();
    let turn = ringio::sync::Event::new();
    let mut tasks = Tasks::new();
    for (number, outcome) in [Err("no"), Ok(7)].into_iter().enumerate() {
        let (cell, turn) = (&cell, &turn);
        let make = async move || {
            if number == 0 {
                turn.wait().await;
            }
            outcome
        };
        tasks.waits(async move { cell.get_or_try_init(make).await.copied() });
    }
    turn.set();
    assert_eq!(tasks.run(), [(0, Err("no")), (1, Ok(7))]);
}

#[test]
fn a_panic_leaves_it_to_the_next() {
    let cell = OnceCell::new();
    let panics = || now(cell.get_or_init(async || panic!("on purpose")));
    assert!(catch_unwind(AssertUnwindSafe(|| *panics())).is_err());
    assert_eq!(*now(cell.get_or_init(async || 3)), 3);
}

#[test]
fn a_turn_that_was_passed_on_and_not_taken_goes_on() {
    let cell = OnceCell::new();
    let mut tasks = Tasks::new();
    tasks.waits(async { *cell.get_or_init(pending).await });
    for number in 1..4 {
        let cell = &cell;
        tasks.waits(async move { *cell.get_or_init(async move || number).await });
    }
    tasks.drop(0);
    tasks.drop(1);
    tasks.drop(2);
    assert_eq!(tasks.run(), [(3, 3)]);
}
