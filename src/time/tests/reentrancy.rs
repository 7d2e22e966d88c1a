//! Wakers whose wake and drop call back into the timers.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use super::{Flag, Log, Loop, ms, on_wake};
use crate::time::{Sleep, Timers, sleep, sleep_until};

thread_local! {
    /// Sleeps that wakers reach.
    static SLEEPS: RefCell<Vec<Sleep>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_waker_may_arm_again() {
    let l = Loop::new();
    let timers = Rc::clone(&l.timers);
    let waker = on_wake(|| {
        SLEEPS.with_borrow_mut(|sleeps| {
            sleeps.clear();
            let mut again = sleep(ms(1));
            let polled = Timers::current().map(|timers| {
                let (_, waker) = Flag::new();
                let _entered = timers.enter();
                Pin::new(&mut again).poll(&mut Context::from_waker(&waker))
            });
            assert!(polled.unwrap().is_pending());
            sleeps.push(again);
        });
    });
    let mut a = sleep_until(l.now() + ms(1));
    assert!(l.poll(&mut a, &waker).is_pending());
    assert_eq!(l.advance(ms(1)), 1);
    assert_eq!(timers.len(), 1);
    assert_eq!(l.advance(ms(1)), 1);
    SLEEPS.take();
}

#[test]
fn a_waker_may_drop_other_sleeps_due_and_not_due() {
    let l = Loop::new();
    let log = Log::default();
    let mut first = sleep_until(l.now() + ms(1));
    let dropping = on_wake(|| drop(SLEEPS.take()));
    assert!(l.poll(&mut first, &dropping).is_pending());
    for n in 1..50 {
        let mut other = sleep_until(l.now() + ms(n));
        assert!(l.poll(&mut other, &log.waker(n as usize)).is_pending());
        SLEEPS.with_borrow_mut(|sleeps| sleeps.push(other));
    }
    // The one that is due in the same turn had been taken out already: it is woken to no effect.
    assert_eq!(l.advance(ms(1)), 2);
    assert_eq!((l.timers.len(), log.take()), (0, vec![1]));
    assert_eq!(l.advance(ms(100)), 0);
}

/// Dropping a waker is user code too: here it drops the other sleeps.
#[test]
fn the_drop_of_a_waker_may_drop_other_sleeps() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            drop(SLEEPS.take());
        }
    }
    let (_, quiet) = Flag::new();
    let actions: [fn(&Loop, Sleep); 3] = [
        |_, sleep| drop(sleep),
        |l, mut sleep| assert!(l.poll(&mut sleep, Waker::noop()).is_pending()),
        |l, _sleep| l.timers.close(),
    ];
    for action in actions {
        let l = Loop::new();
        for _ in 0..3 {
            let mut other = sleep_until(l.now() + ms(1));
            assert!(l.poll(&mut other, &quiet).is_pending());
            SLEEPS.with_borrow_mut(|sleeps| sleeps.push(other));
        }
        let mut a = sleep_until(l.now() + ms(1));
        assert!(l.poll(&mut a, &Waker::from(Arc::new(Bomb))).is_pending());
        action(&l, a);
        assert_eq!(l.timers.len(), 0);
        assert!(SLEEPS.with_borrow(Vec::is_empty));
    }
}
