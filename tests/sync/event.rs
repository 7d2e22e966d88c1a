//! asyncio's sentences about `Event`.

use ringio::sync::Event;

use super::by_hand::{Tasks, now};

#[test]
fn set_wakes_all_in_order() {
    let event = Event::new();
    let mut tasks = Tasks::new();
    for _ in 0..3 {
        tasks.waits(event.wait());
    }
    assert!(!event.is_set());
    assert_eq!(event.waiters(), 3);
    event.set();
    assert_eq!(tasks.woken(), [0, 1, 2]);
    assert!(event.is_set());
    now(event.wait());
}

#[test]
fn who_comes_after_clear_waits_for_the_next_set() {
    let event = Event::new();
    let mut tasks = Tasks::new();
    event.set();
    event.clear();
    tasks.waits(event.wait());
    assert_eq!(tasks.ended(), []);
    event.set();
    assert_eq!(tasks.ended(), [0]);
}

#[test]
fn set_twice_wakes_once() {
    let event = Event::new();
    let mut tasks = Tasks::new();
    tasks.waits(event.wait());
    event.set();
    event.set();
    assert_eq!(tasks.woken(), [0]);
    assert!(tasks.poll(0).is_ready());
}
