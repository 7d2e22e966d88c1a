//! asyncio's sentences about `Lock`.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use ringio::sync::{Mutex, MutexGuard, RwLock};

use super::by_hand::{Tasks, now};

#[test]
fn a_lock_is_held_for_as_long_as_its_guard() {
    let mut mutex = Mutex::new(1);
    {
        let mut guard = now(mutex.lock());
        *guard += 1;
        assert!(mutex.is_locked() && mutex.try_lock().is_none());
    }
    assert!(!mutex.is_locked());
    *mutex.get_mut() += 1;
    assert_eq!(mutex.into_inner(), 3);
}

/// An unlock hands over: there is no moment at which a newcomer finds it unlocked.
#[test]
fn nobody_takes_it_between_an_unlock_and_the_waiter_whose_turn_it_is() {
    let mutex = Mutex::new(());
    let mut tasks = Tasks::new();
    let guard = now(mutex.lock());
    let first = tasks.waits(mutex.lock());
    drop(guard);
    assert!(mutex.is_locked() && mutex.try_lock().is_none());
    assert_eq!(mutex.waiters(), 0);
    let newcomer = tasks.waits(mutex.lock());
    // Dropping what it gives unlocks, so that the newcomer comes next.
    let (number, guard) = tasks.run().pop().unwrap();
    assert_eq!(number, first);
    drop(guard);
    assert_eq!(tasks.ended(), [newcomer]);
    assert!(!mutex.is_locked());
}

#[test]
fn one_that_was_given_it_and_is_dropped_hands_it_on() {
    let mutex = Mutex::new(());
    let mut tasks = Tasks::new();
    let guard = now(mutex.lock());
    for _ in 0..3 {
        tasks.waits(mutex.lock());
    }
    drop(guard);
    tasks.drop(0);
    tasks.drop(1);
    assert_eq!(tasks.woken(), [0, 1, 2]);
    assert!(tasks.poll(2).is_ready());
    assert!(!mutex.is_locked());
}

#[test]
fn it_is_not_reentrant() {
    let mutex = Mutex::new(());
    let mut tasks = Tasks::new();
    tasks.waits(async {
        let _first = mutex.lock().await;
        let _second = mutex.lock().await;
    });
    assert_eq!(tasks.run().len(), 0);
    tasks.drop(0);
    assert!(!mutex.is_locked());
}

#[test]
fn a_guard_may_be_dropped_by_somebody_else() {
    let mutex = Mutex::new(());
    let mut tasks = Tasks::<Option<MutexGuard<'_, ()>>>::new();
    let taker = tasks.add(async { Some(mutex.lock().await) });
    let guard = tasks.poll(taker);
    tasks.waits(async { Some(mutex.lock().await) });
    drop(guard);
    assert_eq!(tasks.ended(), [1]);
}

#[test]
fn a_panic_unlocks_and_nothing_is_poisoned() {
    let mutex = Mutex::new(0);
    let mut tasks = Tasks::new();
    let guard = now(mutex.lock());
    let waiter = tasks.waits(async { *mutex.lock().await });
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut guard = guard;
        *guard = 1;
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!(tasks.run(), [(waiter, 1)]);
}

#[test]
fn a_guard_that_is_forgotten_keeps_it_locked() {
    let mut mutex = Mutex::new(1);
    std::mem::forget(now(mutex.lock()));
    assert!(mutex.is_locked());
    let mut tasks = Tasks::new();
    tasks.waits(async { drop(mutex.lock().await) });
    drop(tasks);
    assert_eq!(*mutex.get_mut(), 1);
}

#[test]
fn it_can_be_looked_at() {
    let mutex = Mutex::new(5);
    let text = format!("{mutex:?}");
    assert!(text.contains('5') && text.contains("locked: false"), "{text}");
    let guard = now(mutex.lock());
    assert_eq!(format!("{guard:?}"), "MutexGuard(5)");
    let text = format!("{mutex:?}");
    assert!(text.contains("locked: true") && !text.contains('5'), "{text}");
}

/// A value's own code may look at the lock that is being printed.
#[test]
fn a_value_may_try_to_lock_while_it_is_printed() {
    type Locks = Rc<(Mutex<Curious>, RwLock<Curious>)>;
    struct Curious(RefCell<Option<Locks>>);
    impl fmt::Debug for Curious {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let all = self.0.borrow_mut().take();
            let free =
                all.is_some_and(|all| all.0.try_lock().is_some() && all.1.try_write().is_some());
            write!(f, "Curious({free})")
        }
    }
    let new = || Curious(RefCell::default());
    let all = Rc::new((Mutex::new(new()), RwLock::new(new())));
    *now(all.0.lock()).0.borrow_mut() = Some(all.clone());
    assert_eq!(
        format!("{:?}", all.0),
        "Mutex { value: Curious(false), locked: false, waiters: 0 }"
    );
    *now(all.1.write()).0.borrow_mut() = Some(all.clone());
    let printed = format!("{:?}", all.1);
    assert!(printed.contains("Curious(false)"), "{printed}");
    assert!(all.0.try_lock().is_some() && all.1.try_write().is_some(), "both are free again");
    let _held = now(all.0.lock());
    assert!(format!("{:?}", all.0).contains("<locked>"));
}
