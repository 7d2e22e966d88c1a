//! In order, each once, nothing lost.

use std::mem::forget;
use std::task::{Context, Poll, Waker};

use super::support::poll;
use super::{Door, Log, order};

#[test]
fn one_who_may_pass_does_not_wait() {
    let door = Door::default();
    door.open.borrow_mut().push(7);
    let mut wait = door.wait(1);
    assert_eq!(poll(&mut wait, Waker::noop()), Poll::Ready(7));
    assert!(door.queue.is_empty());
    drop(wait);
    assert!(door.gone.take().is_empty());
}

#[test]
fn one_who_was_never_polled_is_not_in_line() {
    let door = Door::default();
    drop(door.wait(1));
    assert!(door.queue.is_empty() && door.gone.take().is_empty());
}

/// Every length, every waiter that goes, before or after it was chosen, woken or not, and every
/// number of turns.
#[test]
fn who_leaves_is_told_and_the_others_come_in_order() {
    for n in 1..=6_u32 {
        for leaver in 0..n {
            for turns in 0..=n {
                for (late, woken) in [(false, false), (true, false), (true, true)] {
                    let (door, log) = (Door::default(), Log::default());
                    let mut line = door.line(n, &log);
                    if !late {
                        line[leaver as usize] = None;
                    }
                    let mut chosen = Vec::new();
                    for turn in 0..turns {
                        let first = door.queue.peek();
                        let word = door.queue.choose(100 + turn);
                        assert_eq!(first, word.ok());
                        chosen.extend(first);
                    }
                    if woken {
                        door.queue.wake_chosen();
                    }
                    let was_chosen = chosen.contains(&leaver);
                    if late {
                        line[leaver as usize] = None;
                        let word = if was_chosen { 100 + leaver } else { leaver };
                        assert_eq!(door.gone.take(), [(word, was_chosen)]);
                    } else {
                        assert_eq!(door.gone.take(), [(leaver, false)]);
                    }
                    door.queue.wake_chosen();
                    let there = |number: &u32| late || *number != leaver;
                    let expected: Vec<u32> = (0..n).filter(there).take(turns as usize).collect();
                    assert_eq!(chosen, expected);
                    let wakes = |number: &u32| woken || !late || *number != leaver;
                    let woke: Vec<u32> = expected.iter().copied().filter(wakes).collect();
                    assert_eq!(log.take(), woke);
                    for (number, wait) in line.iter_mut().enumerate() {
                        let Some(wait) = wait else { continue };
                        let at = chosen.iter().position(|chosen| *chosen == number as u32);
                        let word = at.map_or(Poll::Pending, |at| Poll::Ready(100 + at as u32));
                        assert_eq!(poll(wait, Waker::noop()), word);
                    }
                    let rest = (0..n).filter(|number| *number != leaver);
                    let rest = rest.filter(|number| !chosen.contains(number)).count();
                    assert_eq!(door.queue.len(), rest);
                    drop(line);
                    assert!(door.queue.is_empty());
                }
            }
        }
    }
}

#[test]
fn choosing_many_chooses_the_first() {
    let (door, log) = (Door::default(), Log::default());
    let mut line = door.line(5, &log);
    assert_eq!(door.queue.choose_many(3, |nth| 10 * nth as u32), 3);
    assert!(log.take().is_empty());
    door.queue.wake_chosen();
    assert_eq!(log.take(), [0, 1, 2]);
    let words: Vec<_> = line.iter_mut().flatten().map(|wait| poll(wait, &log.waker(9))).collect();
    assert_eq!(words[..3], [Poll::Ready(0), Poll::Ready(10), Poll::Ready(20)]);
    assert_eq!(words[3..], [Poll::Pending; 2]);
    assert_eq!(door.queue.choose_many(9, |_| 1), 2);
    assert_eq!(door.queue.choose(1), Err(1));
}

#[test]
fn the_first_may_be_chosen_and_woken_at_once() {
    let (door, log) = (Door::default(), Log::default());
    let mut line = door.line(2, &log);
    assert_eq!(door.queue.choose_and_wake(5), Ok(0));
    assert_eq!((log.take(), door.queue.len()), (vec![0], 1));
    line[1] = None;
    assert_eq!(door.queue.choose_and_wake(6), Err(6));
    assert_eq!(poll(line[0].as_mut().unwrap(), Waker::noop()), Poll::Ready(5));
    assert_eq!(door.gone.take(), [(1, false)]);
}

#[test]
fn who_was_refused_stands_in_line_unless_the_gate_has_opened() {
    let (door, log) = (Door::default(), Log::default());
    let mut wait = door.wait(1);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(wait.as_mut().poll_refused(&mut cx).is_pending());
    assert_eq!((door.queue.len(), door.queue.choose(5)), (1, Ok(1)));
    door.queue.wake_chosen();
    assert_eq!(wait.as_mut().poll_refused(&mut cx), Poll::Ready(5));
    door.open.borrow_mut().push(7);
    assert_eq!(door.wait(2).as_mut().poll_refused(&mut cx), Poll::Ready(7));
    assert!(door.queue.is_empty() && log.take().is_empty());
}

#[test]
fn choosing_all_leaves_each_its_word() {
    let (door, log) = (Door::default(), Log::default());
    let mut line = door.line(3, &log);
    door.queue.choose_all();
    door.queue.wake_chosen();
    assert_eq!(log.take(), [0, 1, 2]);
    for (number, wait) in line.iter_mut().flatten().enumerate() {
        assert_eq!(poll(wait, Waker::noop()), Poll::Ready(number as u32));
    }
}

#[test]
fn the_last_waker_is_woken() {
    let (door, log) = (Door::default(), Log::default());
    let mut line = door.line(1, &log);
    let wait = line[0].as_mut().unwrap();
    assert!(poll(wait, &log.waker(5)).is_pending());
    assert_eq!(door.queue.len(), 1);
    assert_eq!(door.queue.choose(1), Ok(0));
    door.queue.wake_chosen();
    assert_eq!(log.take(), [5]);
}

#[test]
fn one_that_has_ended_begins_anew() {
    let (door, log) = (Door::default(), Log::default());
    let mut line = door.line(1, &log);
    let wait = line[0].as_mut().unwrap();
    assert_eq!(door.queue.choose(4), Ok(0));
    assert_eq!(poll(wait, Waker::noop()), Poll::Ready(4));
    assert!(poll(wait, &log.waker(1)).is_pending());
    assert_eq!((door.queue.len(), door.queue.choose(2)), (1, Ok(0)));
    door.queue.wake_chosen();
    assert_eq!(log.take(), [1]);
    assert_eq!(poll(wait, Waker::noop()), Poll::Ready(2));
}

#[test]
fn a_queue_may_move_and_go_though_somebody_was_forgotten_in_it() {
    let log = Log::default();
    let door = Door::default();
    for number in 0..3 {
        let mut wait = door.wait(number);
        assert!(poll(&mut wait, &log.waker(number)).is_pending());
        forget(wait);
    }
    let door = Box::new(door);
    let mut line = door.line(2, &log);
    assert_eq!(door.queue.len(), 5);
    // The forgotten ones keep their places and have their turns.
    assert_eq!(door.queue.choose_many(4, |_| 1), 4);
    door.queue.wake_chosen();
    assert_eq!(log.take(), [0, 1, 2, 0]);
    assert_eq!(poll(line[0].as_mut().unwrap(), Waker::noop()), Poll::Ready(1));
    drop(line);
    let mut wait = door.wait(9);
    assert!(poll(&mut wait, &log.waker(9)).is_pending());
    forget(wait);
    drop(door);
}

/// A hundred thousand that leave in any order, half of them chosen.
#[test]
fn a_hundred_thousand_leave_in_any_order() {
    const MANY: u32 = if cfg!(miri) { 1_000 } else { 100_000 };
    let (door, log) = (Door::default(), Log::default());
    let mut line = door.line(MANY, &log);
    assert_eq!(door.queue.choose_many(MANY as usize / 2, |_| 0), MANY as usize / 2);
    for at in order(MANY as usize, 20) {
        line[at] = None;
    }
    assert!(door.queue.is_empty());
    let gone = door.gone.take();
    assert_eq!(gone.len(), MANY as usize);
    assert_eq!(gone.iter().filter(|(_, chosen)| *chosen).count(), MANY as usize / 2);
    door.queue.wake_chosen();
    assert!(log.take().is_empty());
}
