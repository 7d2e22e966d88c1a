//! One notification, kept or passed on.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use ringio::sync::{Event, Notify, Semaphore};

use super::by_hand::{Tasks, now};
use super::watchdog::bounded;

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

/// A task that has used its budget up is in line all the same, for nothing of this is kept.
#[test]
fn without_a_budget_it_is_in_line_from_its_first_poll() {
    bounded(|| {
        ringio::run(async {
            let (notify, event) = (Notify::new(), Event::new());
            let mut nudged = pin!(notify.notified());
            let mut set = pin!(event.wait());
            spend_the_budget_and(|cx| {
                assert!(nudged.as_mut().poll(cx).is_pending());
                assert!(set.as_mut().poll(cx).is_pending());
            })
            .await;
            assert_eq!((notify.waiters(), event.waiters()), (1, 1));
            notify.notify_all();
            event.set();
            event.clear();
            nudged.await;
            set.await;
        });
    });
}

/// What it could have at once is its own then, and is passed on when it goes.
#[test]
fn without_a_budget_what_is_kept_is_taken_and_passed_on() {
    bounded(|| {
        ringio::run(async {
            let notify = Notify::new();
            notify.notify_one();
            let mut first = Box::pin(notify.notified());
            let mut second = pin!(notify.notified());
            spend_the_budget_and(|cx| {
                assert!(first.as_mut().poll(cx).is_pending());
                assert!(second.as_mut().poll(cx).is_pending());
            })
            .await;
            assert_eq!(notify.waiters(), 1, "the first has it");
            drop(first);
            second.await;
        });
    });
}

/// Runs `code` in a poll that has used up its task's budget.
async fn spend_the_budget_and(mut code: impl FnMut(&mut Context<'_>)) {
    let semaphore = Semaphore::new(1);
    poll_fn(|cx| {
        let ready = |cx: &mut Context<'_>| pin!(semaphore.acquire()).poll(cx).is_ready();
        assert!((0..1_000).any(|_| !ready(cx)), "there is no budget");
        code(cx);
        Poll::Ready(())
    })
    .await;
}
