//! One notification, kept or passed on.

use ringio::sync::Notify;

use super::by_hand::{Tasks, now};

#[test]
fn one_is_kept_for_the_next_and_no_more() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    now(notify.notified());
    let mut tasks = Tasks::new();
    tasks.waits(notify.notified());
    assert_eq!(notify.waiters(), 1);
}

#[test]
fn all_is_for_those_who_wait_and_is_not_kept() {
    let notify = Notify::new();
    let mut tasks = Tasks::new();
    notify.notify_all();
    tasks.waits(notify.notified());
    tasks.waits(notify.notified());
    notify.notify_all();
    assert_eq!(tasks.ended(), [0, 1]);
    tasks.waits(notify.notified());
}

/// Chosen as one, dropped: kept. Chosen as one of all, dropped: nobody missed anything.
#[test]
fn only_what_was_meant_for_one_is_passed_on() {
    let notify = Notify::new();
    let mut tasks = Tasks::new();
    tasks.waits(notify.notified());
    notify.notify_all();
    tasks.drop(0);
    tasks.waits(notify.notified());
    notify.notify_one();
    tasks.drop(1);
    now(notify.notified());
}
