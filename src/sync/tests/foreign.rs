//! Wakers whose clone, wake and drop call back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::support::{Hook, poll};
use super::{Door, Log, Waiting, foreign};

fn nothing() -> Hook {
    Box::new(|| ())
}

/// Lives as long as the process: hooks own what they use.
fn door() -> &'static Door {
    Box::leak(Box::default())
}

#[test]
fn the_gate_is_asked_again_after_the_clone_of_a_waker() {
    let door = door();
    let waker = foreign(Box::new(|| door.open.borrow_mut().push(5)), nothing(), nothing());
    let mut wait = door.wait(1);
    assert_eq!(poll(&mut wait, &waker), Poll::Ready(5));
    assert!(door.queue.is_empty());
}

#[test]
fn one_that_is_chosen_while_its_next_waker_is_cloned_is_ready() {
    let (door, log) = (door(), Log::default());
    let mut line = door.line(1, &log);
    let choose = || {
        assert_eq!(door.queue.choose(5), Ok(0));
        door.queue.wake_chosen();
    };
    let waker = foreign(Box::new(choose), nothing(), nothing());
    assert_eq!(poll(line[0].as_mut().unwrap(), &waker), Poll::Ready(5));
    assert_eq!(log.take(), [0]);
}

#[test]
fn one_that_is_chosen_while_its_old_waker_is_dropped_is_woken_by_the_new_one() {
    let (door, log) = (door(), Log::default());
    let choose = || {
        assert_eq!(door.queue.choose(5), Ok(1));
        door.queue.wake_chosen();
    };
    let mut wait = door.wait(1);
    assert!(poll(&mut wait, &foreign(nothing(), nothing(), nothing())).is_pending());
    // Dropped by the replacement, which is the second drop: the first was the argument's above.
    let old = foreign(nothing(), nothing(), Box::new(choose));
    assert!(poll(&mut wait, &old).is_pending());
    std::mem::forget(old);
    assert!(poll(&mut wait, &log.waker(3)).is_pending());
    assert_eq!(log.take(), [3]);
    assert_eq!(poll(&mut wait, Waker::noop()), Poll::Ready(5));
}

/// The place is empty while the next waker is cloned: what is sent then is seen all the same.
#[test]
fn a_value_that_is_sent_while_the_receiver_s_waker_is_cloned_is_there() {
    let (sender, receiver) = crate::sync::oneshot::channel();
    let sender = RefCell::new(Some(sender));
    let send = move || {
        let sender = sender.take();
        sender.into_iter().for_each(|sender| sender.send(5).unwrap());
    };
    let waker = foreign(Box::new(send), nothing(), nothing());
    let mut receiver = std::pin::pin!(receiver);
    assert!(receiver.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let sent = receiver.as_mut().poll(&mut Context::from_waker(&waker));
    assert_eq!(sent, Poll::Ready(Ok(5)));
}

/// Woken in a row: the first waker drops the second waiter, polls the third, adds a fourth.
#[test]
fn a_waker_may_end_others_and_add_some() {
    let (door, log) = (door(), Log::default());
    let others: Rc<RefCell<Vec<Waiting<'static>>>> = Rc::default();
    let hook = {
        let (others, log) = (others.clone(), log.clone());
        move || {
            let mut others = others.borrow_mut();
            drop(others.remove(0));
            assert_eq!(poll(&mut others[0], Waker::noop()), Poll::Ready(7));
            let mut newcomer = door.wait(4);
            assert!(poll(&mut newcomer, &log.waker(4)).is_pending());
            others.push(newcomer);
        }
    };
    let mut first = door.wait(0);
    assert!(poll(&mut first, &foreign(nothing(), Box::new(hook), nothing())).is_pending());
    for number in 1..4 {
        let mut wait = door.wait(number);
        assert!(poll(&mut wait, &log.waker(number)).is_pending());
        others.borrow_mut().push(wait);
    }
    assert_eq!(door.queue.choose_many(usize::MAX, |_| 7), 4);
    door.queue.wake_chosen();
    assert_eq!(log.take(), [3]);
    assert_eq!(door.gone.take(), [(7, true)]);
    assert_eq!((door.queue.len(), door.queue.peek()), (1, Some(4)));
    others.borrow_mut().clear();
    assert!(door.queue.is_empty());
}

#[test]
fn a_waker_that_panics_takes_no_other_with_it() {
    let (door, log) = (door(), Log::default());
    let mut first = door.wait(0);
    let panics = foreign(nothing(), Box::new(|| panic!("on purpose")), nothing());
    assert!(poll(&mut first, &panics).is_pending());
    let _line = door.line(2, &log);
    door.queue.choose_all();
    door.queue.wake_chosen();
    assert_eq!(log.take(), [0, 1]);
}

#[test]
fn a_waker_that_panics_does_not_reach_who_chooses() {
    let door = door();
    let mut first = door.wait(0);
    let panics = foreign(nothing(), Box::new(|| panic!("on purpose")), nothing());
    assert!(poll(&mut first, &panics).is_pending());
    assert_eq!(door.queue.choose_and_wake(3), Ok(0));
    assert_eq!(poll(&mut first, Waker::noop()), Poll::Ready(3));
}

/// A waker that chooses and wakes the next, and so on to the last.
#[test]
fn wakers_may_choose_in_turn() {
    let door = door();
    let seen = Rc::new(Cell::new(0));
    let mut line = Vec::new();
    for number in 0..100 {
        let seen = seen.clone();
        let hook = move || {
            assert_eq!(seen.replace(seen.get() + 1), number);
            let _ = door.queue.choose(1);
            door.queue.wake_chosen();
        };
        let mut wait = door.wait(number);
        assert!(poll(&mut wait, &foreign(nothing(), Box::new(hook), nothing())).is_pending());
        line.push(wait);
    }
    assert_eq!(door.queue.choose(1), Ok(0));
    door.queue.wake_chosen();
    assert_eq!(seen.get(), 100);
}
